import CKernels

/// In which order the terms of a dot product are added.
package enum SumOrder: CaseIterable, Sendable {
    case naive, reversed, pairwise, kahan, splitK

    fileprivate var kernelOrder: ck_order {
        switch self {
        case .naive: CK_NAIVE
        case .reversed: CK_REVERSED
        case .pairwise: CK_PAIRWISE
        case .kahan: CK_KAHAN
        case .splitK: CK_SPLIT_K
        }
    }
}

/// The same values made in other ways.
extension Kernels {
    /// What a product writes, where the caller has its operands as the kernels take them.
    private typealias Product = (
        _ x: UnsafePointer<Float>, _ w: UnsafeRawPointer?, _ type: ck_type, _ ldw: Int64, _ bias: UnsafePointer<Float>?,
        _ y: UnsafeMutablePointer<Float>
    ) -> Void

    private static func product(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ shape: Shape, _ run: Product) throws -> Tensor {
        let (x, weight, bias) = (try x.contiguous(), try weight.unpacked(), try bias?.contiguous())
        return try produce(shape, keeping: [x, weight] + (bias.map { [$0] } ?? [])) { y in
            run(pointer(x), weight.bytes.baseAddress, weight.type.kernelType, Int64(weight.strides[0]), bias.map(pointer), y)
        }
    }

    /// As `matmul`, the sum in another order.
    package static func orderedMatmul(
        _ order: SumOrder, _ x: Tensor, _ weight: Tensor, bias: Tensor?, transposed: Bool, shape: Shape, threads: Int
    ) throws -> Tensor {
        let (rows, input, output) = (Int64(x.shape.rowCount), Int64(x.shape.rowLength), Int64(shape.rowLength))
        return try product(x, weight, bias, shape) { x, w, type, ldw, bias, y in
            ck_ordered_matmul(
                order.kernelOrder, x, input, w, type, transposed ? 1 : 0, ldw, bias, y, output, rows, output, input, Int32(threads))
        }
    }

    /// As `matmul`, both matrices in blocks of 32 integers.
    package static func q8Matmul(_ x: Tensor, _ weight: Tensor, bias: Tensor?, transposed: Bool, shape: Shape, threads: Int) throws
        -> Tensor
    {
        let (rows, input, output) = (Int64(x.shape.rowCount), Int64(x.shape.rowLength), Int64(shape.rowLength))
        return try product(x, weight, bias, shape) { x, w, type, ldw, bias, y in
            ck_q8_matmul(x, input, w, type, transposed ? 1 : 0, ldw, bias, y, output, rows, output, input, Int32(threads))
        }
    }

    /// q [head, T, D], k and v [kv head, S, D] → [T, head · D], tile by tile; `rounding` is of the weights before they meet v.
    package static func flashAttention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, scale: Float, softcap: Float, mask: AttentionMask, rounding: NumberFormat?, shape: Shape,
        threads: Int
    ) throws -> Tensor {
        let mask = mask.pass(queries: q.shape[1], keys: k.shape[1])
        return try produce(shape, keeping: [q, k, v]) { y in
            mask.withKernelMask { mask in
                withKernelFormat(rounding) { format in
                    ck_flash_attention(
                        heads(q), heads(k), heads(v), y, Int64(q.shape[0]), Int64(k.shape[0]), Int64(q.shape[1]), Int64(k.shape[1]),
                        Int64(q.shape[2]), scale, softcap, mask, format, Int32(threads))
                }
            }
        }
    }

    /// f(gate) · up, with f(gate) and its parts rounded to `stored`; nil: not rounded.
    package static func gated(
        _ function: ElementFunction, _ gate: Tensor, _ up: Tensor, stored: NumberFormat?, rounding: NumberFormat?, threads: Int
    ) throws -> Tensor {
        let (gate, up) = (try gate.contiguous(), try up.contiguous())
        return try produce(gate.shape, keeping: [gate, up]) { y in
            withKernelFormat(stored) { stored in
                withKernelFormat(rounding) { format in
                    ck_gated(
                        function.kernelFunction, pointer(gate), pointer(up), function.isChain ? stored : nil, stored, format, y,
                        Int64(gate.elementCount), Int32(threads))
                }
            }
        }
    }

    /// The norm of a + b, which is not stored.
    package static func addRMSNorm(
        _ a: Tensor, _ b: Tensor, _ weight: Tensor, epsilon: Float, plusOne: Bool, rounding: NumberFormat?, threads: Int
    ) throws -> Tensor {
        let (a, b) = (try a.contiguous(), try b.contiguous())
        return try produce(a.shape, keeping: [a, b, weight]) { y in
            withKernelFormat(rounding) { format in
                ck_add_rms_norm(
                    pointer(a), pointer(b), weight.bytes.baseAddress, weight.type.kernelType, epsilon, plusOne ? 1 : 0, format, y,
                    Int64(a.shape.rowCount), Int64(a.shape.rowLength), Int32(threads))
            }
        }
    }
}
