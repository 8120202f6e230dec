import CKernels
import COpenBLAS

extension Kernels {
    /// As `matmul`, by BLAS: the sum runs in BLAS's own order, so the last bits are its own, too. Weights that are not fp32 are upcast
    /// into a copy first.
    package static func blasMatmul(
        _ x: Tensor, _ weight: Tensor, bias: Tensor?, transposed: Bool, shape: Shape, threads: Int
    ) throws -> Tensor {
        let x = try x.contiguous()
        let w = try aligned(weight)
        let bias = try bias?.contiguous()
        let (rows, columns, length) = (x.shape.rowCount, shape.rowLength, x.shape.rowLength)
        return try withExtendedLifetime((x, w, bias)) {
            try Tensor(shape) { out in
                guard let y = out.baseAddress, !out.isEmpty else { return }
                fill(out, with: bias)
                BLAS.use(threads: threads)
                // With the bias in place already, the product is added to it.
                cblas_sgemm(
                    CblasRowMajor, CblasNoTrans, transposed ? CblasNoTrans : CblasTrans, blasint(rows), blasint(columns), blasint(length),
                    1,
                    pointer(x), blasint(max(length, 1)), pointer(w), blasint(w.stride(0)), bias == nil ? 0 : 1, y, blasint(columns))
            }
        }
    }

    private static func fill(_ out: UnsafeMutableBufferPointer<Float>, with bias: Tensor?) {
        guard let bias else { return out.update(repeating: 0) }
        let row = UnsafeBufferPointer(start: pointer(bias), count: bias.elementCount)
        for start in stride(from: 0, to: out.count, by: max(row.count, 1)) {
            _ = UnsafeMutableBufferPointer(rebasing: out[start..<start + row.count]).update(from: row)
        }
    }

    /// BLAS reads floats at addresses of floats; in a file they may lie anywhere.
    private static func aligned(_ weight: Tensor) throws -> Tensor {
        let address = UInt(bitPattern: weight.bytes.baseAddress)
        if weight.type == .f32 && weight.isContiguous && address % 4 == 0 { return weight }
        return try Tensor(weight.shape, weight.floats())
    }
}

/// The library behind the kernel `blas`.
package enum BLAS {
    /// The processor whose kernels the library took; not always the one it runs on, since an old library does not know a new one.
    package static var core: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

    /// x [rows, length] · Wᵀ + b in fp64, row after row, on one thread; W is [columns, length], or [length, columns] if `transposed`.
    /// Empty if the lengths do not fit.
    package static func product(
        _ x: [Double], _ w: [Double], bias: [Double]?, length: Int, columns: Int, transposed: Bool
    ) -> [Double] {
        guard length > 0, columns > 0, x.count % length == 0, w.count == length * columns, bias == nil || bias?.count == columns else {
            return []
        }
        let rows = x.count / length
        var y = (0..<rows).flatMap { _ in bias ?? Array(repeating: 0, count: columns) }
        guard rows > 0 else { return y }
        use(threads: 1)
        cblas_dgemm(
            CblasRowMajor, CblasNoTrans, transposed ? CblasNoTrans : CblasTrans, blasint(rows), blasint(columns), blasint(length), 1, x,
            blasint(length), w, blasint(transposed ? columns : length), 1, &y, blasint(columns))
        return y
    }

    static func use(threads: Int) {
        if openblas_get_num_threads() != Int32(threads) { openblas_set_num_threads(Int32(threads)) }
    }
}
