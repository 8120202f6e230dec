import Engine
import Foundation
import Models
import Tensors
import Training

/// A row of a batch as the loss reads it: the tokens, and of each whether it is to be predicted, with its loss once that is computed.
package struct BatchRowReading: Sendable {
    package let ids: [Int]
    /// Whether the token counts: its label, which stands one place earlier, is not −100.
    package let counts: [Bool]
    /// In nats, of tokens that count; empty before the loss has been computed.
    package let losses: [Float?]

    /// Of the pass at work.
    init(_ stepper: Stepper) throws {
        let program = stepper.program
        let read = { (name: String) in try program.id(of: name).flatMap { try stepper.tensor($0) } }
        self.init(ids: try read("input_ids"), targets: try read("targets"), losses: try read("loss.tokens"))
    }

    /// Of a row of the last step.
    init(_ reading: LossReading) { self.init(ids: reading.ids, targets: reading.targets, losses: reading.losses) }

    private init(ids: Tensor?, targets: Tensor?, losses: Tensor?) {
        let (ids, targets) = (ids?.doubles().map { Int($0) } ?? [], targets?.doubles() ?? [])
        let counts = ids.indices.map { $0 > 0 && $0 <= targets.count && targets[$0 - 1] >= 0 }
        (self.ids, self.counts) = (ids, counts)
        guard let known = losses?.floats() else {
            self.losses = []
            return
        }
        self.losses = ids.indices.map { counts[$0] && $0 <= known.count ? known[$0 - 1] : nil }
    }
}
