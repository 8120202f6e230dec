import CKernels

/// How far two tensors of the same counts lie apart, element by element. Sums and the largest difference are over elements that are finite on
/// both sides, in fp64; one NaN is like another.
package struct Difference: Sendable, Equatable {
    private(set) package var count = 0
    /// Elements with other bits, and the row-major place of the first.
    private(set) package var differing = 0
    private(set) package var differingAt: Int?
    /// Those of them that are not finite on both sides.
    private(set) package var unmatched = 0
    private(set) package var unmatchedAt: Int?
    /// Σ a², Σ b², Σ a b, Σ (a − b)².
    private(set) package var squares = 0.0
    private(set) package var otherSquares = 0.0
    private(set) package var products = 0.0
    private(set) package var distance = 0.0
    /// max |a − b|, and where it first is; nil if it is 0.
    private(set) package var largest = 0.0
    private(set) package var largestAt: Int?

    /// Large tensors are taken in blocks, so that strided or narrow ones cost the copy of one block.
    package init(_ a: Tensor, _ b: Tensor, threads: Int) throws {
        for (one, other) in zip(a.blocks, b.blocks) {
            join(try Difference.measured(one.wide(), other.wide(), threads))
        }
    }

    private static func measured(_ a: Tensor, _ b: Tensor, _ threads: Int) -> ck_difference_t {
        var raw = ck_difference_t()
        withExtendedLifetime((a, b)) {
            ck_difference(
                a.bytes.baseAddress, a.type.kernelType, b.bytes.baseAddress, b.type.kernelType, Int64(a.elementCount), &raw, Int32(threads))
        }
        return raw
    }

    private mutating func join(_ next: ck_difference_t) {
        differingAt = differingAt ?? Difference.place(next.differing_at, behind: count)
        unmatchedAt = unmatchedAt ?? Difference.place(next.unmatched_at, behind: count)
        differing += Int(next.differing)
        unmatched += Int(next.unmatched)
        squares += next.squares_a
        otherSquares += next.squares_b
        products += next.products
        distance += next.distance
        if next.largest > largest { (largest, largestAt) = (next.largest, Difference.place(next.largest_at, behind: count)) }
        count += Int(next.count)
    }

    private static func place(_ raw: Int64, behind count: Int) -> Int? { raw < 0 ? nil : count + Int(raw) }
}

/// How far the distributions over the next token lie apart, row by row of two tables of logits.
package struct Divergence: Sendable, Equatable {
    /// KL(p‖q) in nats, one a row.
    package let rows: [Double]
    /// The likeliest token of each row, ties by lowest id.
    package let tops: [Int]
    package let otherTops: [Int]

    /// Both are [rows, vocabulary].
    package init(_ a: Tensor, _ b: Tensor, threads: Int) throws {
        let (a, b) = (try a.wide(), try b.wide())
        let count = a.shape.rowCount
        var (kl, one, other) = (
            [Double](repeating: 0, count: count), [Int32](repeating: 0, count: count), [Int32](repeating: 0, count: count)
        )
        withExtendedLifetime((a, b)) {
            ck_divergence(
                a.bytes.baseAddress, a.type.kernelType, b.bytes.baseAddress, b.type.kernelType, Int64(count), Int64(a.shape.rowLength), &kl,
                &one, &other, Int32(threads))
        }
        (rows, tops, otherTops) = (kl, one.map(Int.init), other.map(Int.init))
    }

    package var mean: Double { rows.isEmpty ? 0 : rows.reduce(0, +) / Double(rows.count) }
    /// The share of rows with the same likeliest token.
    package var agreement: Double {
        rows.isEmpty ? 1 : Double(zip(tops, otherTops).count { $0 == $1 }) / Double(rows.count)
    }
}

extension Tensor {
    /// Contiguous, in fp64 if it is, else in fp32.
    fileprivate func wide() throws -> Tensor {
        guard type == .f64 else { return try contiguous() }
        if case .memory = storage, isContiguous { return self }
        return try Tensor(shape, doubles: doubles())
    }
}
