import CKernels

/// The fast kernels on tensors. Shapes have been checked by the op that calls; every function makes a new contiguous fp32 value.
package enum Kernels {
    /// Pointers into a tensor that a kernel reads as fp32 rows.
    private static func floats(_ x: Tensor) throws -> (Tensor, UnsafePointer<Float>) {
        let x = try x.contiguous()
        return (x, pointer(x))
    }

    static func pointer(_ x: Tensor) -> UnsafePointer<Float> {
        // An empty tensor has no bytes; kernels do not read through the pointer then.
        x.bytes.baseAddress.map { $0.assumingMemoryBound(to: Float.self) } ?? UnsafePointer(placeholder)
    }

    static func bytes(_ x: Tensor) -> UnsafePointer<UInt8>? { x.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) }

    private static var placeholder: UnsafeMutablePointer<Float> { UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped }

    static func produce(_ shape: Shape, keeping inputs: [Tensor], fill: (UnsafeMutablePointer<Float>) -> Void) throws -> Tensor {
        try withExtendedLifetime(inputs) {
            try Tensor(shape) { out in
                if let base = out.baseAddress, !out.isEmpty { fill(base) }
            }
        }
    }

    /// x [rows, input] times the weight, [output, input] or (transposed) [input, output], plus bias [output].
    package static func matmul(_ x: Tensor, _ weight: Tensor, bias: Tensor?, transposed: Bool, shape: Shape, threads: Int) throws -> Tensor
    {
        let (x, p) = try floats(x)
        let rows = Int64(x.shape.rowCount)
        let input = Int64(x.shape.rowLength)
        let output = Int64(shape.rowLength)
        return try produce(shape, keeping: [x, weight]) { y in
            weight.withKernelElements { w, type in
                ck_matmul(
                    p, input, w, type, transposed ? 1 : 0, Int64(weight.stride(0)), bias?.bytes.baseAddress,
                    (bias?.type ?? .f32).kernelType, y, output, rows, output, input, Int32(threads))
            }
        }
    }

    /// The matrix that the product after the next one will read; only time depends on it.
    package static func expect(_ weight: Tensor, threads: Int) {
        ck_expect(weight.bytes.baseAddress, Int64(weight.byteCount), Int32(threads))
    }

    /// The same product as VDPBF16PS makes it: x and W rounded to bf16, pairs of products, sums in fp32; the outputs are rounded.
    package static func matmulBF16(
        _ x: Tensor, _ weight: Tensor, bias: Tensor?, transposed: Bool, rounding: NumberFormat? = nil, shape: Shape, threads: Int
    ) throws -> Tensor {
        let (x, p) = try floats(x)
        let weight = try weight.unpacked()
        let (input, output) = (Int64(x.shape.rowLength), Int64(shape.rowLength))
        return try produce(shape, keeping: [x, weight]) { y in
            withKernelFormat(rounding) { format in
                ck_matmul_bf16(
                    p, input, weight.bytes.baseAddress, weight.type.kernelType, transposed ? 1 : 0, Int64(weight.stride(0)),
                    bias?.bytes.baseAddress, (bias?.type ?? .f32).kernelType, format, y, output, Int64(x.shape.rowCount), output, input,
                    Int32(threads))
            }
        }
    }

    /// The same as TDPBF16PS makes it. turned: x is [input, rows], and the product is xᵀ · Wᵀ.
    package static func matmulBF16Tile(
        _ x: Tensor, turned: Bool = false, _ weight: Tensor, bias: Tensor?, transposed: Bool, rounding: NumberFormat? = nil, shape: Shape,
        threads: Int
    ) throws -> Tensor {
        let (x, p) = try floats(x)
        let weight = try weight.unpacked()
        let output = Int64(shape.rowLength)
        let (rows, length) = (Int64(x.shape.rowCount), Int64(x.shape.rowLength))
        return try produce(shape, keeping: [x, weight]) { y in
            withKernelFormat(rounding) { format in
                ck_matmul_bf16_tile(
                    p, length, turned ? 1 : 0, weight.bytes.baseAddress, weight.type.kernelType, transposed ? 1 : 0,
                    Int64(weight.stride(0)), bias?.bytes.baseAddress, (bias?.type ?? .f32).kernelType, format, y, output,
                    turned ? length : rows, output, turned ? rows : length, Int32(threads))
            }
        }
    }

    /// Whether the processor multiplies pairs of bf16 numbers itself, and whether it does so a tile at a time.
    package static var hasBF16Dot: Bool { ck_has_bf16_dot() != 0 }
    package static var hasBF16Tile: Bool { ck_has_bf16_tile() != 0 }

    /// [T] ids into a table [vocabulary, feature].
    package static func gather(_ table: Tensor, _ ids: Tensor, shape: Shape, threads: Int) throws -> Tensor {
        let table = try table.unpacked()
        return try produce(shape, keeping: [table, ids]) { y in
            ck_gather(
                table.bytes.baseAddress, table.type.kernelType, Int64(table.stride(0)),
                ids.bytes.baseAddress?.assumingMemoryBound(to: Int32.self),
                y, Int64(shape.rowCount), Int64(shape.rowLength), Int32(threads))
        }
    }

    package static func rmsNorm(
        _ x: Tensor, _ weight: Tensor, epsilon: Float, plusOne: Bool, parts: NumberFormat? = nil, rounding: NumberFormat? = nil,
        threads: Int
    ) throws -> Tensor {
        let (x, p) = try floats(x)
        return try produce(x.shape, keeping: [x, weight]) { y in
            withKernelFormat(parts) { parts in
                withKernelFormat(rounding) { format in
                    ck_rms_norm_rounded(
                        p, weight.bytes.baseAddress, weight.type.kernelType, epsilon, plusOne ? 1 : 0, parts, format, y,
                        Int64(x.shape.rowCount), Int64(x.shape.rowLength), Int32(threads))
                }
            }
        }
    }

    package static func layerNorm(
        _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, epsilon: Float, rounding: NumberFormat? = nil, threads: Int
    ) throws -> Tensor {
        let (x, p) = try floats(x)
        return try produce(x.shape, keeping: [x, weight]) { y in
            withKernelFormat(rounding) { format in
                ck_layer_norm(
                    p, weight.bytes.baseAddress, weight.type.kernelType, bias?.bytes.baseAddress, (bias?.type ?? .f32).kernelType, epsilon,
                    0, format, y, Int64(x.shape.rowCount), Int64(x.shape.rowLength), Int32(threads))
            }
        }
    }

    package static func add(_ a: Tensor, _ b: Tensor, rounding: NumberFormat? = nil, threads: Int) throws -> Tensor {
        let (a, p) = try floats(a)
        let (b, q) = try floats(b)
        return try produce(a.shape, keeping: [a, b]) { y in
            withKernelFormat(rounding) { ck_add(p, q, $0, y, Int64(a.elementCount), Int32(threads)) }
        }
    }

    package static func multiply(_ a: Tensor, _ b: Tensor, rounding: NumberFormat? = nil, threads: Int) throws -> Tensor {
        let (a, p) = try floats(a)
        let (b, q) = try floats(b)
        return try produce(a.shape, keeping: [a, b]) { y in
            withKernelFormat(rounding) { ck_multiply(p, q, $0, y, Int64(a.elementCount), Int32(threads)) }
        }
    }

    package static func map(_ function: ElementFunction, _ x: Tensor, rounding: NumberFormat? = nil, threads: Int) throws -> Tensor {
        let (x, p) = try floats(x)
        return try produce(x.shape, keeping: [x]) { y in
            withKernelFormat(rounding) { format in
                ck_map_rounded(
                    function.kernelFunction, p, function.isChain ? format : nil, format, y, Int64(x.elementCount), Int32(threads))
            }
        }
    }

    /// What a kernel is told of the format of its parts: NULL if they are not rounded.
    static func withKernelFormat(_ format: NumberFormat?, partsOnly: Bool = false, _ body: (UnsafePointer<ck_format>?) -> Void) {
        guard let format else { return body(nil) }
        withUnsafePointer(to: format.kernelFormat(partsOnly: partsOnly)) { body($0) }
    }
}

/// Functions of one element that have a fast kernel.
package enum ElementFunction: String, CaseIterable, Sendable {
    /// `gelu new` is `gelu tanh` written as a chain of elementary functions, which matters where each is rounded.
    case silu, geluTanh = "gelu tanh", geluNew = "gelu new", geluErf = "gelu", geluQuick = "gelu quick", relu, reluSquared = "relu²", exp,
        tanh, sigmoid

    /// Whether Hugging Face writes it as a chain of elementary functions, each of which rounds.
    var isChain: Bool { self == .geluNew || self == .geluQuick }

    var kernelFunction: ck_function {
        switch self {
        case .silu: CK_SILU
        case .geluTanh, .geluNew: CK_GELU_TANH
        case .geluErf: CK_GELU_ERF
        case .geluQuick: CK_GELU_QUICK
        case .relu: CK_RELU
        case .reluSquared: CK_RELU_SQUARED
        case .exp: CK_EXP
        case .tanh: CK_TANH
        case .sigmoid: CK_SIGMOID
        }
    }
}
