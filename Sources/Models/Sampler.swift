import Engine
import Foundation
import Tensors

/// Chooses the next token from a row of logits. The same seed gives the same text.
package struct Sampler: Sendable {
    package var temperature: Double
    /// 0: all.
    package var topK: Int
    /// 1: all.
    package var topP: Double
    private var random: SplitMix64

    /// Temperature 0 is greedy: the largest logit, ties by lowest id.
    package init(temperature: Double = 0, topK: Int = 0, topP: Double = 1, seed: UInt64 = 0) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        random = SplitMix64(state: seed)
    }

    package static let greedy = Sampler()

    /// Throws if the logits hold no number to choose from.
    package mutating func choose(_ logits: [Float]) throws(SamplingError) -> Int {
        if let at = logits.firstIndex(where: \.isNaN) {
            throw SamplingError(rule: "the logits contain NaN (first at token \(at)); the run is broken before the head")
        }
        guard let top = logits.max(), let greedy = logits.firstIndex(of: top) else { throw SamplingError(rule: "there are no logits") }
        guard top.isFinite else {
            throw SamplingError(rule: "the largest logit is \(top) (token \(greedy)); the run is broken before the head")
        }
        if temperature <= 0 || topK == 1 { return greedy }
        return pick(candidates(logits))
    }

    /// Tokens that may be drawn, likeliest first, with their weights.
    private func candidates(_ logits: [Float]) -> [(id: Int, weight: Double)] {
        let top = Double(logits.max() ?? 0)
        var all = logits.enumerated().map { (id: $0.offset, weight: exp((Double($0.element) - top) / temperature)) }
        all.sort { $0.weight != $1.weight ? $0.weight > $1.weight : $0.id < $1.id }
        if topK > 0 { all = Array(all.prefix(topK)) }
        guard topP < 1 else { return all }
        let total = all.reduce(0) { $0 + $1.weight }
        var sum = 0.0
        // The token that reaches the mass is in (Holtzman et al. 2019).
        let count = all.firstIndex {
            sum += $0.weight; return sum >= topP * total
        }.map { $0 + 1 }
        return Array(all.prefix(max(1, count ?? all.count)))
    }

    private mutating func pick(_ candidates: [(id: Int, weight: Double)]) -> Int {
        let total = candidates.reduce(0) { $0 + $1.weight }
        var left = uniform() * total
        for (id, weight) in candidates {
            left -= weight
            if left < 0 { return id }
        }
        return candidates.last?.id ?? 0
    }

    /// The upper 53 bits.
    private mutating func uniform() -> Double { Double(random.next() >> 11) * 0x1p-53 }
}

package struct SamplingError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    package var description: String { rule }
}
