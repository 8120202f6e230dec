import RealModule
import Tensors

/// One value of a run against the value of the same name elsewhere.
package struct ValueDifference: Sendable {
    /// In the first run's program.
    package let value: Int
    /// Nil where the other side is a file.
    package let other: Int?
    package let name: String
    package let aliases: [String]
    /// What the other side calls it.
    package let otherName: String
    package let role: ValueRole
    package let layer: Int?
    package let shape: Shape
    /// How each side keeps it.
    package let formats: [String]
    /// Nil where the two cannot be laid upon each other, and why.
    package let difference: Difference?
    package let mismatch: String?
    /// The element that lies furthest apart, or the first that is not finite on both sides; the first one where nothing differs.
    package let index: [Int]
    /// There, in the first run and in the other.
    package let numbers: [Double]
    /// What the normalised mean squared error may be.
    package fileprivate(set) var limit: Double

    /// Whether every bit is the same.
    package var isIdentical: Bool { difference.map { $0.differing == 0 } ?? false }

    /// Σ (a − b)² / Σ a²: infinite where something is finite on one side only, or where a is 0 and b is not.
    package var nmse: Double { measure { $0.distance == 0 ? 0 : $0.distance / $0.squares } }

    /// ‖a − b‖ / ‖a‖
    package var relative: Double { nmse.squareRoot() }

    /// ‖a − b‖
    package var norm: Double { measure { $0.distance.squareRoot() } }

    /// log₁₀ ‖a − b‖, as the workshop's chart has it; nil where nothing differs.
    package var logNorm: Double? { norm > 0 ? Double.log10(norm) : nil }

    package var largest: Double { measure(\.largest) }

    /// Of the angle between the two: 1 where nothing differs.
    package var cosine: Double {
        guard let difference, difference.unmatched == 0 else { return .nan }
        if difference.distance == 0 { return 1 }
        let product = difference.squares.squareRoot() * difference.otherSquares.squareRoot()
        return product > 0 ? min(1, max(-1, difference.products / product)) : 0
    }

    /// Whether it is further apart than it may be, or could not be compared.
    package var isBeyond: Bool { difference == nil || !(nmse <= limit) }

    /// The error as a part of what it may be.
    package var excess: Double { limit > 0 ? nmse / limit : nmse }

    private func measure(_ number: (Difference) -> Double) -> Double {
        guard let difference else { return .nan }
        return difference.unmatched > 0 ? .infinity : number(difference)
    }
}

extension Comparison {
    /// The same numbers under another tolerance; `formats` is what the comparer found.
    package func held(to tolerance: Tolerance, formats: [NumberFormat]) -> Comparison {
        var other = self
        for (place, format) in zip(rows.indices, formats) { other.rows[place].limit = tolerance.limit(of: format) }
        return other
    }
}
