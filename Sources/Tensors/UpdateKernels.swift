import CKernels

/// The fast kernels of the optimizer, of adapters and of dropout, element by element.
extension Kernels {
    private static func joined(
        _ inputs: [Tensor], threads: Int, _ body: ([UnsafePointer<Float>], UnsafeMutablePointer<Float>, Int64, Int32) -> Void
    ) throws -> Tensor {
        let rows = try inputs.map { try $0.contiguous() }
        return try withExtendedLifetime(rows) {
            try Tensor(inputs[0].shape) { out in
                guard let y = out.baseAddress, !out.isEmpty else { return }
                body(rows.map(pointer), y, Int64(out.count), Int32(threads))
            }
        }
    }

    /// a + factor · b
    package static func addScaled(_ a: Tensor, _ b: Tensor, factor: Float, threads: Int) throws -> Tensor {
        try joined([a, b], threads: threads) { ck_add_scaled($0[0], $0[1], factor, $1, $2, $3) }
    }

    /// The same with one rounding, of the sum.
    package static func addProduct(_ a: Tensor, _ b: Tensor, factor: Float, threads: Int) throws -> Tensor {
        try joined([a, b], threads: threads) { ck_add_product($0[0], $0[1], factor, $1, $2, $3) }
    }

    package static func scale(_ x: Tensor, by factor: Float, rounding: NumberFormat? = nil, threads: Int) throws -> Tensor {
        try joined([x], threads: threads) { x, y, count, threads in
            withKernelFormat(rounding) { ck_scale(x[0], factor, $0, y, count, threads) }
        }
    }

    /// cap · tanh(x / cap); with `rounding` x / cap and its tanh are rounded.
    package static func softcap(_ x: Tensor, cap: Float, rounding: NumberFormat? = nil, threads: Int) throws -> Tensor {
        try joined([x], threads: threads) { x, y, count, threads in
            withKernelFormat(rounding) { ck_softcap(x[0], cap, $0, y, count, threads) }
        }
    }

    /// average + weight · (x − average)
    package static func lerp(_ average: Tensor, _ x: Tensor, weight: Float, threads: Int) throws -> Tensor {
        try joined([average, x], threads: threads) { ck_lerp($0[0], $0[1], weight, $1, $2, $3) }
    }

    /// keep · average + weight · x²
    package static func averageSquares(_ average: Tensor, _ x: Tensor, keep: Float, weight: Float, threads: Int) throws -> Tensor {
        try joined([average, x], threads: threads) { ck_average_squares($0[0], $0[1], keep, weight, $1, $2, $3) }
    }

    /// −step · m / (√v / correction + epsilon)
    package static func adamUpdate(
        _ m: Tensor, _ v: Tensor, step: Float, correction: Float, epsilon: Float, threads: Int
    ) throws -> Tensor {
        try joined([m, v], threads: threads) { ck_adam_update($0[0], $0[1], step, correction, epsilon, $1, $2, $3) }
    }

    /// Elements whose draw is below `threshold` become 0, the others are scaled.
    package static func dropout(_ x: Tensor, key: UInt64, threshold: UInt32, scale: Float, threads: Int) throws -> Tensor {
        try joined([x], threads: threads) { ck_dropout($0[0], key, threshold, scale, $1, $2, $3) }
    }

    /// Σ x² in fp64, the same for any number of threads.
    package static func sumOfSquares(_ x: Tensor, threads: Int) throws -> Double {
        let x = try x.contiguous()
        return withExtendedLifetime(x) { ck_sum_squares(pointer(x), Int64(x.elementCount), Int32(threads)) }
    }
}

extension Kernels {
    /// A fast 64-bit hash of bytes; it finds changes, not forgeries.
    package static func hash(_ bytes: UnsafeRawBufferPointer, threads: Int) -> UInt64 {
        ck_hash(bytes.baseAddress, bytes.count, Int32(threads))
    }
}
