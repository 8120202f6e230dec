import Engine
import Models
import Tensors

/// What the loss read of a row and what it made of it: the very tensors of the pass, [token] each.
package struct LossReading: Sendable {
    package let ids: Tensor
    /// Entry t is the label of token t + 1, or −100.
    package let targets: Tensor
    /// In nats; entry t is of token t + 1.
    package let losses: Tensor
}

extension Stepper {
    /// The reading, if the step just made has written the tokens' losses.
    func lossReading(of written: Int?) -> LossReading? {
        guard let written, program.values[written].name == "loss.tokens", let losses = recording.tensors[written],
            let ids = program.id(of: "input_ids").flatMap({ recording.tensors[$0] }),
            let targets = program.id(of: "targets").flatMap({ recording.tensors[$0] })
        else { return nil }
        return LossReading(ids: ids, targets: targets, losses: losses)
    }
}

extension BatchRow {
    /// Labels of the first `count` tokens, shifted as the loss reads them; of a reward, which has none, the last token counts alone.
    func targets(_ count: Int, of objective: Objective) -> [Int32] {
        switch objective {
        case .next, .future: Array(targets.prefix(max(0, count - 1))) + [maskedLabel]
        case .reward: [Int32](repeating: maskedLabel, count: max(0, count - 1)) + [0]
        }
    }
}
