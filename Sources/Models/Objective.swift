import Engine
import Tensors

/// What a pass with a loss is asked for.
package enum Objective: Sendable, Hashable {
    /// The next token.
    case next
    /// A number for the whole text, its reward: the final norm's last row times `score.weight`.
    case reward

    /// The weight of the reward, under the name that transformers gives it.
    package static let score = "score.weight"
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
