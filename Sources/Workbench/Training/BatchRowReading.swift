import Engine
import Foundation
import Models
import Tensors

/// A row of a batch as the loss reads it: the tokens, and of each whether it is to be predicted, with its loss once that is computed.
package struct BatchRowReading: Sendable {
    package let ids: [Int]
    /// Whether the token counts: its label, which stands one place earlier, is not −100.
    package let counts: [Bool]
    /// In nats, of tokens that count; empty before the loss has been computed.
    package let losses: [Float?]

    init(_ stepper: Stepper) throws {
        let program = stepper.program
        let read = { (name: String) in try program.id(of: name).flatMap { try stepper.tensor($0) } }
        ids = try read("input_ids")?.doubles().map { Int($0) } ?? []
        let targets = try read("targets")?.doubles() ?? []
        counts = ids.indices.map { $0 > 0 && $0 <= targets.count && targets[$0 - 1] >= 0 }
        guard let known = try read("loss.tokens")?.floats() else {
            losses = []
            return
        }
        let counts = counts
        losses = ids.indices.map { counts[$0] && $0 <= known.count ? known[$0 - 1] : nil }
    }
}
