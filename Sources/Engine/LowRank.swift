/// Matrices A [r, input] and B [output, r] beside some of a model's matrices: y = W·x + s·B·(A·x). Hu et al. 2021, arXiv:2106.09685.
package struct LowRank: Sendable, Hashable {
    /// The input that dropout draws from, four parts of 16 bits.
    package static let key = "dropout_key"

    /// r of each module that has an adapter, by the module's path.
    package var ranks: [String: Int]
    package var alpha: Double
    /// α/√r instead of α/r (Kalajdzievski 2023, arXiv:2312.03732).
    package var rankStabilised: Bool
    package var dropout: Double
    /// Over all: 1 as it was trained, 0 as if it were not there.
    package var strength = 1.0

    package init(ranks: [String: Int], alpha: Double, rankStabilised: Bool = false, dropout: Double = 0) {
        self.ranks = ranks
        self.alpha = alpha
        self.rankStabilised = rankStabilised
        self.dropout = dropout
    }

    /// Whether a weight is A or B of an adapter.
    package static func isFactor(_ name: String) -> Bool { name.hasSuffix(".lora_A.weight") || name.hasSuffix(".lora_B.weight") }

    /// s of a module.
    package func scale(_ module: String) -> Double {
        let rank = Double(ranks[module] ?? 1)
        return strength * alpha / (rankStabilised ? rank.squareRoot() : rank)
    }
}
