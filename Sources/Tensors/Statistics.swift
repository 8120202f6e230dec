import CKernels

/// What is always known of a value, even after it has been evicted. Moments and extremes are over finite elements.
package struct Statistics: Sendable, Equatable {
    package let count: Int
    package let zeros: Int
    package let nan: Int
    package let positiveInfinity: Int
    package let negativeInfinity: Int
    package let subnormals: Int
    package let sum: Double
    package let sumOfSquares: Double
    package let min: Float
    package let max: Float
    package let absMax: Float
    /// Row-major positions of the first minimum and maximum, nil if no element is finite.
    package let minAt: Int?
    package let maxAt: Int?
    /// Of the elements' bytes in row-major order: equal values have equal hashes, whoever looked at them on the way.
    package let hash: UInt64
    /// How many elements have each sign and biased exponent: 256 positive, then 256 negative. The histogram that costs nothing to keep.
    package let exponents: [UInt32]

    package var finite: Int { count - nan - positiveInfinity - negativeInfinity }
    package var nonFinite: Int { nan + positiveInfinity + negativeInfinity }
    package var mean: Double { finite > 0 ? sum / Double(finite) : 0 }
    /// With the denominator n, over finite elements.
    package var std: Double { finite > 0 ? Swift.max(0, sumOfSquares / Double(finite) - mean * mean).squareRoot() : 0 }
    package var rms: Double { finite > 0 ? (sumOfSquares / Double(finite)).squareRoot() : 0 }
    package var norm: Double { sumOfSquares.squareRoot() }

    package init(of tensor: Tensor, threads: Int) throws {
        let tensor = try tensor.contiguous()
        var raw = ck_statistics_t()
        withExtendedLifetime(tensor) { ck_statistics(Kernels.pointer(tensor), Int64(tensor.elementCount), &raw, Int32(threads)) }
        self.init(raw)
    }

    private init(_ raw: ck_statistics_t) {
        count = Int(raw.count)
        zeros = Int(raw.zeros)
        nan = Int(raw.nan)
        positiveInfinity = Int(raw.posinf)
        negativeInfinity = Int(raw.neginf)
        subnormals = Int(raw.subnormals)
        sum = raw.sum
        sumOfSquares = raw.sum_squares
        min = raw.min
        max = raw.max
        absMax = raw.absmax
        minAt = raw.min_at < 0 ? nil : Int(raw.min_at)
        maxAt = raw.max_at < 0 ? nil : Int(raw.max_at)
        hash = raw.hash
        exponents = withUnsafeBytes(of: raw.buckets) { Array($0.bindMemory(to: UInt32.self)) }
    }
}

/// Bins of a heat map: of each the signed element of largest magnitude and what non-finite kinds it holds, so that one NaN among
/// millions is still seen.
package struct Pooled: Sendable {
    package let rows: Int
    package let columns: Int
    package let values: [Float]
    /// Bits: 1 NaN, 2 +∞, 4 −∞, 8 has a finite element.
    package let flags: [UInt8]
    package let height: Int
    package let width: Int

    /// `tensor` has two axes (any strides): what is drawn down and what is drawn to the right.
    package init(_ tensor: Tensor, rows: Int, columns: Int, threads: Int) {
        height = tensor.shape[0]
        width = tensor.shape[1]
        let rows = Swift.max(0, Swift.min(rows, height))
        let columns = Swift.max(0, Swift.min(columns, width))
        self.rows = rows
        self.columns = columns
        var values = [Float](repeating: 0, count: rows * columns)
        var flags = [UInt8](repeating: 0, count: rows * columns)
        if rows > 0 && columns > 0 {
            withExtendedLifetime(tensor) {
                ck_pool(
                    tensor.bytes.baseAddress, tensor.type.kernelType, Int64(tensor.strides[0]), Int64(tensor.strides[1]), Int64(tensor.shape[0]),
                    Int64(tensor.shape[1]), &values, &flags, Int64(rows), Int64(columns), Int32(threads))
            }
        }
        self.values = values
        self.flags = flags
    }
}

extension Tensor {
    /// Counts of `bins` equal bins over [low, high); what lies outside or is not finite is not counted.
    package func histogram(low: Float, high: Float, bins: Int, threads: Int) throws -> [UInt32] {
        let x = try contiguous()
        var counts = [UInt32](repeating: 0, count: max(bins, 0))
        guard bins > 0, low < high else { return counts }
        withExtendedLifetime(x) { ck_histogram(Kernels.pointer(x), Int64(x.elementCount), low, high, &counts, Int64(bins), Int32(threads)) }
        return counts
    }
}

/// What runs the kernels.
package enum Machine {
    package static var instructionSet: String { String(cString: ck_isa_name(ck_get_isa())) }
}
