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

    /// Of a weight in another format the hash is over its fp32 values, taken in blocks.
    package init(of tensor: Tensor, threads: Int) throws {
        var raw = ck_statistics_t()
        if tensor.type == .f32 && tensor.isContiguous {
            withExtendedLifetime(tensor) { ck_statistics(Kernels.pointer(tensor), Int64(tensor.elementCount), &raw, Int32(threads)) }
            self.init(raw)
            return
        }
        var all: Statistics?
        for block in tensor.blocks {
            let part = try block.contiguous(threads: threads)
            withExtendedLifetime(part) { ck_statistics(Kernels.pointer(part), Int64(part.elementCount), &raw, Int32(threads)) }
            all = all?.joined(with: Statistics(raw)) ?? Statistics(raw)
        }
        self = all ?? Statistics(raw)
    }

    /// Of two parts of one value, the second behind the first.
    private func joined(with next: Statistics) -> Statistics {
        let takesMin = minAt == nil || (next.minAt != nil && next.min < min)
        let takesMax = maxAt == nil || (next.maxAt != nil && next.max > max)
        return Statistics(
            count: count + next.count, zeros: zeros + next.zeros, nan: nan + next.nan,
            positiveInfinity: positiveInfinity + next.positiveInfinity,
            negativeInfinity: negativeInfinity + next.negativeInfinity, subnormals: subnormals + next.subnormals, sum: sum + next.sum,
            sumOfSquares: sumOfSquares + next.sumOfSquares, min: takesMin ? next.min : min, max: takesMax ? next.max : max,
            absMax: Swift.max(absMax, next.absMax), minAt: takesMin ? next.minAt.map { $0 + count } : minAt,
            maxAt: takesMax ? next.maxAt.map { $0 + count } : maxAt, hash: hash &* 0x9E37_79B9_7F4A_7C15 ^ next.hash,
            exponents: zip(exponents, next.exponents).map { $0 &+ $1 })
    }

    private init(
        count: Int, zeros: Int, nan: Int, positiveInfinity: Int, negativeInfinity: Int, subnormals: Int, sum: Double, sumOfSquares: Double,
        min: Float, max: Float, absMax: Float, minAt: Int?, maxAt: Int?, hash: UInt64, exponents: [UInt32]
    ) {
        (self.count, self.zeros, self.nan, self.subnormals) = (count, zeros, nan, subnormals)
        (self.positiveInfinity, self.negativeInfinity) = (positiveInfinity, negativeInfinity)
        (self.sum, self.sumOfSquares, self.min, self.max, self.absMax) = (sum, sumOfSquares, min, max, absMax)
        (self.minAt, self.maxAt, self.hash, self.exponents) = (minAt, maxAt, hash, exponents)
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
                tensor.withKernelElements { x, type in
                    ck_pool(
                        x, type, Int64(tensor.stride(0)), Int64(tensor.stride(1)), Int64(tensor.shape[0]), Int64(tensor.shape[1]),
                        &values, &flags, Int64(rows), Int64(columns), Int32(threads))
                }
            }
        }
        self.values = values
        self.flags = flags
    }
}

extension Tensor {
    /// Counts of `bins` equal bins over [low, high); what lies outside or is not finite is not counted.
    package func histogram(low: Float, high: Float, bins: Int, threads: Int) throws -> [UInt32] {
        var counts = [UInt32](repeating: 0, count: max(bins, 0))
        guard bins > 0, low < high else { return counts }
        for block in blocks {
            let x = try block.contiguous()
            var part = [UInt32](repeating: 0, count: bins)
            withExtendedLifetime(x) {
                ck_histogram(Kernels.pointer(x), Int64(x.elementCount), low, high, &part, Int64(bins), Int32(threads))
            }
            counts = zip(counts, part).map { $0 &+ $1 }
        }
        return counts
    }

    /// Parts along the first axis of at most some millions of elements, so that looking at a weight of gigabytes copies little at a time.
    package var blocks: [Tensor] {
        let limit = 1 << 22
        guard elementCount > limit, shape.rank > 1, shape[0] > 1 else { return [self] }
        let rows = Swift.max(1, limit / Swift.max(elementCount / shape[0], 1))
        return Swift.stride(from: 0, to: shape[0], by: rows).map { first in
            let count = Swift.min(rows, shape[0] - first)
            return view(Shape([Axis(shape.axes[0].name, count)] + shape.axes.dropFirst()), strides: strides, offset: first * stride(0))
        }
    }
}

/// What runs the kernels.
package enum Machine {
    package static var instructionSet: String { String(cString: ck_isa_name(ck_get_isa())) }
}
