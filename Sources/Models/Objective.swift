import Engine
import Tensors

/// What a pass with a loss is asked for.
package enum Objective: Sendable, Hashable {
    /// The next token.
    case next
    /// A number for the whole text, its reward: the final norm's last row times `score.weight`.
    case reward
    /// The next token and, by so many further heads, those behind it. Gloeckle et al. 2024, arXiv:2404.19737, equation 2, with the linear
    /// heads of its appendix: each is a matrix of its own on the final norm's rows, and the unembedding is shared.
    case future(Int)

    /// The weight of the reward, under the name that transformers gives it.
    package static let score = "score.weight"

    /// The module of a further head, from 1: it predicts the token so many places behind the next one.
    package static func futureHead(_ number: Int) -> String { "\(futurePrefix)\(number)" }
    package static func isFutureHead(_ weight: String) -> Bool { weight.hasPrefix(futurePrefix) && weight.hasSuffix(".weight") }
    private static let futurePrefix = "future_head_"

    /// The heads' parts of the loss, the next token's first; empty where there is one head.
    package var parts: [String] {
        guard case .future(let count) = self else { return [] }
        return ["loss.next"] + (1...max(1, count)).map { "\(Objective.futureHead($0)).loss" }
    }

    /// How many places behind a token the one lies whose id an input of targets has for it.
    static func distance(ofTargets input: String) -> Int {
        let number = input.hasPrefix(futurePrefix) ? Int(input.dropFirst(futurePrefix.count).prefix { $0.isNumber }) : nil
        return 1 + (number ?? 0)
    }
}

extension Graph {
    /// −log p of each token's target, [T]; fused with the head if that was withdrawn.
    mutating func nextTokenLoss(_ logits: Node, _ targets: Node, _ head: (x: Node, weight: Node)?) -> Node {
        guard let head else {
            return apply(CrossEntropy(), [logits, targets], as: "loss.tokens")
        }
        let slopes = apply(HeadLoss(), [head.x, head.weight, targets], as: "loss.slopes")
        return apply(LossColumn(), [slopes], as: "loss.tokens")
    }

    /// The loss of each head, all over the same number of tokens, and their sum. A head's losses are those of the next token's, further on.
    mutating func futureLosses(_ logits: Node, _ targets: Node, heads: Int, _ count: [Node]) {
        guard let (x, unembedding, cap) = head(logits) else {
            _ = fault(logits, "more heads need a linear head without bias whose matrix they share")
            return
        }
        let mean = Mean(isShare: !count.isEmpty)
        let width = x.shape.axes[x.shape.rank - 1]
        let own = apply(CrossEntropy(), [logits, targets], as: "loss.tokens")
        var losses = [apply(mean, [own, targets] + count, as: "loss.next")]
        for number in 1...max(1, heads) {
            let loss = module(Objective.futureHead(number)) { graph in
                let matrix = graph.weight("weight", Shape((.output, width.count), (.input, width.count)))
                let further = graph.input(graph.name("targets"), targets.shape)
                let turned = graph.apply(Linear(output: width), [x, matrix], as: "")
                let uncapped = graph.apply(
                    Linear(output: logits.shape.axes[1]), [turned, unembedding], as: cap == nil ? "logits" : "lm_head")
                let scores = cap.map { graph.apply($0, [uncapped], as: "logits") } ?? uncapped
                let tokens = graph.apply(CrossEntropy(), [scores, further], as: "loss.tokens")
                return graph.apply(mean, [tokens, further] + count, as: "loss")
            }
            losses.append(loss)
        }
        apply(Sum(), losses, as: "loss")
    }

    /// −r of each token, [T], in the place of a loss: a head with a single row stands in the place of the one that was withdrawn,
    /// whose input is `x`.
    mutating func reward(_ logits: Node, _ x: Node?) -> Node {
        guard let x else {
            return fault(logits, "a reward needs a linear head without bias in the place of which it stands")
        }
        let width = Axis(.input, x.shape.rowLength)
        let weight = weight(Objective.score, Shape([Axis(.output, 1), width]))
        let scores = apply(Linear(output: Axis(.feature, 1)), [x, weight], as: "score")
        let rewards = apply(LossColumn(), [scores], as: "rewards")
        return apply(Map(.times(-1)), [rewards], as: "loss.tokens")
    }
}
