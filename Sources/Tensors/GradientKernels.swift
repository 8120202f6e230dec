import CKernels

/// The fast kernels of the reverse walk: products, norms, functions and sums. Shapes have been checked by the op that calls; every
/// function makes a new contiguous fp32 value.
extension Kernels {
    static func ids(_ x: Tensor) -> UnsafePointer<Int32>? { x.bytes.baseAddress?.assumingMemoryBound(to: Int32.self) }

    /// a [T, rows], b [T, columns] → aᵀ · b [rows, columns], tokens ascending: dW = dYᵀ · X of a weight [output, input], and
    /// dW = Xᵀ · dY of a transposed one.
    package static func weightGradient(_ a: Tensor, _ b: Tensor, shape: Shape, threads: Int) throws -> Tensor {
        let (a, b) = (try a.contiguous(), try b.contiguous())
        let (rows, columns) = (Int64(a.shape.rowLength), Int64(b.shape.rowLength))
        return try produce(shape, keeping: [a, b]) { c in
            ck_weight_gradient(
                pointer(a), rows, pointer(b), columns, c, columns, Int64(a.shape.rowCount), rows, columns, Int32(threads))
        }
    }

    /// [T, n] → the sum over the tokens [n], in fp64: a bias's gradient.
    package static func columnSums(_ x: Tensor, shape: Shape, threads: Int) throws -> Tensor {
        let x = try x.contiguous()
        let n = Int64(x.shape.rowLength)
        return try produce(shape, keeping: [x]) { ck_column_sums(pointer(x), n, $0, Int64(x.shape.rowCount), n, Int32(threads)) }
    }

    /// Which of a norm's inputs the gradient is for.
    package enum NormInput: Sendable { case x, weight, bias }

    /// dY, x [rows, n], weight [n] (for dL/dx alone) → dL/dx [rows, n] or dL/d(weight) [n]. Here and below `rounding` is of the parts.
    package static func rmsNormGradient(
        _ input: NormInput, dY: Tensor, x: Tensor, weight: Tensor?, epsilon: Float, plusOne: Bool, rounding: NumberFormat? = nil,
        shape: Shape, threads: Int
    ) throws -> Tensor {
        let (dY, x) = (try dY.contiguous(), try x.contiguous())
        return try produce(shape, keeping: [dY, x, weight ?? x]) { out in
            withKernelFormat(rounding) { format in
                ck_rms_norm_gradient(
                    pointer(dY), pointer(x), weight?.bytes.baseAddress, (weight?.type ?? .f32).kernelType, epsilon, plusOne ? 1 : 0,
                    format, input == .x ? out : nil, input == .weight ? out : nil, Int64(x.shape.rowCount), Int64(x.shape.rowLength),
                    Int32(threads))
            }
        }
    }

    /// The same of a layer norm; the bias's is the sum of dY over the rows, for which no x is read. Rounded are a row's mean and scale,
    /// and the weight's and the bias's sums after each row.
    package static func layerNormGradient(
        _ input: NormInput, dY: Tensor, x: Tensor?, weight: Tensor?, epsilon: Float, rounding: NumberFormat? = nil, shape: Shape,
        threads: Int
    ) throws -> Tensor {
        let (dY, x) = (try dY.contiguous(), try x?.contiguous())
        return try produce(shape, keeping: [dY, x, weight].compactMap { $0 }) { out in
            withKernelFormat(rounding) { format in
                ck_layer_norm_gradient(
                    pointer(dY), x.map { pointer($0) }, weight?.bytes.baseAddress, (weight?.type ?? .f32).kernelType, epsilon, 0, format,
                    input == .x ? out : nil, input == .weight ? out : nil, input == .bias ? out : nil, Int64(dY.shape.rowCount),
                    Int64(dY.shape.rowLength), Int32(threads))
            }
        }
    }

    /// dY · f′(x), rounded.
    package static func mapBackward(
        _ function: ElementFunction, _ x: Tensor, _ dY: Tensor, rounding: NumberFormat? = nil, threads: Int
    ) throws -> Tensor {
        let (x, dY) = (try x.contiguous(), try dY.contiguous())
        return try produce(x.shape, keeping: [x, dY]) { out in
            withKernelFormat(rounding) { format in
                ck_map_gradient(
                    function.kernelFunction, pointer(x), pointer(dY), function.isChain ? format : nil, format, out, Int64(x.elementCount),
                    Int32(threads))
            }
        }
    }

    /// Tensors of one shape, added from left to right in one pass.
    package static func sum(_ terms: [Tensor], shape: Shape, threads: Int) throws -> Tensor {
        let terms = try terms.map { try $0.contiguous() }
        let pointers = terms.map { Optional(pointer($0)) }
        return try produce(shape, keeping: terms) {
            ck_sum(pointers, Int64(terms.count), $0, Int64(shape.elementCount), Int32(threads))
        }
    }

    /// dY [T, feature] added to the rows of a table [vocabulary, feature] that its ids [T] name, tokens ascending; the table starts as
    /// `initial`, or as 0. Rounded is a row after each addition.
    package static func embeddingGradient(
        _ dY: Tensor, ids: Tensor, onto initial: Tensor?, rounding: NumberFormat? = nil, shape: Shape, threads: Int
    ) throws -> Tensor {
        let (dY, initial) = (try dY.contiguous(), try initial?.contiguous())
        return try produce(shape, keeping: [dY, ids] + (initial.map { [$0] } ?? [])) { out in
            withKernelFormat(rounding) { format in
                ck_gather_gradient(
                    pointer(dY), self.ids(ids), initial.map { pointer($0) }, format, out, Int64(shape.rowCount),
                    Int64(dY.shape.rowCount), Int64(shape.rowLength), Int32(threads))
            }
        }
    }
}
