import CKernels
import COpenBLAS

extension Kernels {
    /// x [rows, input] times the weight, as `matmul`, in fp64: what the other kernels' errors are measured against. Weights are widened some
    /// outputs at a time, so that no second copy of a large matrix is made. Where a sum's terms cancel so far that fp64 keeps less than 12 bits
    /// more than fp32 does of an uncancelled one, the element is summed again in twice the precision.
    package static func exactMatmul(
        _ x: Tensor, _ weight: Tensor, bias: Tensor?, transposed: Bool, shape: Shape, threads: Int
    ) throws -> Tensor {
        let wide = x.doubles()
        let (rows, columns, length) = (x.shape.rowCount, shape.rowLength, x.shape.rowLength)
        var y = [Double](repeating: 0, count: rows * columns)
        let tile = max(1, min(columns, (1 << 18) / max(length, 1)))
        BLAS.use(threads: threads)
        for first in stride(from: 0, to: columns, by: tile) where rows > 0 && length > 0 {
            let count = min(tile, columns - first)
            let w = weight.outputs(first..<first + count, transposed: transposed).doubles()
            y.withUnsafeMutableBufferPointer { out in
                guard let start = out.baseAddress else { return }
                product(wide, w, transposed: transposed, rows: rows, columns: count, length: length, into: start + first, stride: columns)
            }
        }
        if let bias = bias?.doubles() { for i in y.indices { y[i] += bias[i % columns] } }
        return try Tensor(shape, doubles: y)
    }

    private static func product(
        _ x: [Double], _ w: [Double], transposed: Bool, rows: Int, columns: Int, length: Int, into y: UnsafeMutablePointer<Double>,
        stride: Int
    ) {
        cblas_dgemm(
            CblasRowMajor, CblasNoTrans, transposed ? CblasNoTrans : CblasTrans, blasint(rows), blasint(columns), blasint(length), 1, x,
            blasint(length), w, blasint(transposed ? columns : length), 0, y, blasint(stride))
        // The error of a sum of n products is about √n·2⁻⁵³ of the product of the norms; half a unit of fp32, less 12 bits, is 2⁻³⁶.
        let share = Double(length).squareRoot() * 0x1p-17
        ck_repair_products(
            x, w, transposed ? 1 : 0, y, Int64(stride), Int64(rows), Int64(columns), Int64(length), share)
    }
}

extension Tensor {
    /// Of a weight [output, input], or [input, output] if `transposed`, what belongs to some outputs.
    fileprivate func outputs(_ range: Range<Int>, transposed: Bool) -> Tensor {
        var axes = shape.axes
        let axis = transposed ? 1 : 0
        axes[axis] = Axis(axes[axis].name, range.count)
        return view(Shape(axes), strides: strides, offset: range.lowerBound * strides[axis])
    }
}
