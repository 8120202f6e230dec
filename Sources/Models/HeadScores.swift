import Engine
import Tensors

/// What each head does on tokens that nobody could foresee: a sequence of random tokens said twice. An induction head looks from a token's
/// second occurrence at what followed its first (Olsson et al. 2022, arXiv:2209.11895); a previous-token head looks one token back.
package struct HeadScores: Sendable {
    package struct Head: Sendable, Hashable {
        package let layer: Int
        package let head: Int
        /// Mean probability on the token after the first occurrence, from the second one.
        package let induction: Double
        /// Mean probability on the token before.
        package let previous: Double
    }

    package let heads: [Head]
    /// Mean next-token loss on the first and on the second time, in nats.
    package let firstLoss: Double
    package let secondLoss: Double

    /// `visit` gets how many of `draws` are done and says whether to go on; nil if it said no.
    package init?(
        _ model: Model, tokens: Int = 40, draws: Int = 16, seed: UInt64 = 0, policy: Policy, visit: (Int) throws -> Bool = { _ in true }
    ) throws {
        var sums = Sums()
        var random = TokenDraw(seed: seed, model: model)
        for draw in 0..<draws {
            guard try visit(draw) else { return nil }
            let once = (0..<tokens).map { _ in random.next() }
            let begin = random.begin.map { [$0] } ?? []
            // A quirk of the tokens changes what stands before the words.
            let ids = model.quirked(begin + once + once)
            try sums.add(model, ids: ids, first: ids.count - 2 * tokens, tokens, policy)
        }
        heads = sums.heads.sorted { ($0.key.layer, $0.key.head) < ($1.key.layer, $1.key.head) }.map { key, sum in
            Head(layer: key.layer, head: key.head, induction: sum.induction / Double(draws), previous: sum.previous / Double(draws))
        }
        (firstLoss, secondLoss) = (sums.losses.0 / Double(draws), sums.losses.1 / Double(draws))
    }
}

/// Scores added up over draws.
private struct Sums {
    struct Key: Hashable {
        let layer: Int
        let head: Int
    }

    var heads: [Key: (induction: Double, previous: Double)] = [:]
    var losses = (0.0, 0.0)

    /// One pass; probabilities are read as they are made and not kept.
    mutating func add(_ model: Model, ids: [Int], first: Int, _ count: Int, _ policy: Policy) throws {
        var stepper = try model.stepper(ids: ids, policy: policy, keep: .nothing)
        while !stepper.isFinished {
            let id = try stepper.step()
            let value = stepper.program.values[id]
            if value.name.hasSuffix(".probs"), let layer = value.layer, let probs = try stepper.tensor(id) {
                add(probs, layer: layer, first: first, count)
            } else if value.name == "loss.tokens", let all = try stepper.tensor(id)?.floats() {
                // The last token of a time has its loss where the one before it stands.
                losses.0 += mean(all[max(first - 1, 0)..<first + count - 1].map(Double.init))
                losses.1 += mean(all[first + count..<first + 2 * count - 1].map(Double.init))
            }
        }
    }

    /// probs [head, query, key]
    private mutating func add(_ probs: Tensor, layer: Int, first: Int, _ count: Int) {
        for head in 0..<probs.shape[0] {
            let plane = probs[head]
            let induction = (0..<count).map { plane.value(at: [first + count + $0, first + $0 + 1]) ?? .nan }
            let previous = (1..<first + 2 * count).map { plane.value(at: [$0, $0 - 1]) ?? .nan }
            heads[Key(layer: layer, head: head), default: (0, 0)].induction += mean(induction)
            heads[Key(layer: layer, head: head), default: (0, 0)].previous += mean(previous)
        }
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
}

/// Random tokens of the vocabulary without its special ones.
private struct TokenDraw {
    private var random: SplitMix64
    private let candidates: [Int]
    /// The token with which the tokenizer begins every text, if it does.
    let begin: Int?

    init(seed: UInt64, model: Model) {
        random = SplitMix64(state: seed)
        let tokenizer = model.tokenizer
        let count = min(model.settings.vocabulary, tokenizer?.vocabularyCount ?? .max)
        candidates = (0..<count).filter { !model.endTokens.contains($0) && tokenizer?.isSpecial(Int32($0)) != true }
        begin = tokenizer?.specialsBefore.first.map(Int.init)
    }

    mutating func next() -> Int {
        candidates.isEmpty ? 0 : candidates[Int(random.next() % UInt64(candidates.count))]
    }
}
