import Engine
import Models
import Tensors

/// What the model thought of a token before it came.
package struct TokenScore: Sendable, Hashable {
    /// The probability that it would come.
    package let probability: Float
    /// 1: the likeliest token came.
    package let rank: Int
    /// Of all probabilities, in nats: how open the choice was.
    package let entropy: Double
    /// The value of `loss.tokens`, in nats; nil where the pass has none.
    package let loss: Float?

    /// One a token of the text; nil for the first and for those whose logits have not been computed.
    static func all(_ passes: [Generation], threads: Int) throws -> [TokenScore?] {
        guard let ids = passes.last?.ids else { return [] }
        var scores = [TokenScore?](repeating: nil, count: ids.count)
        for pass in passes {
            for (row, score) in try rows(of: pass, targets: ids.dropFirst(pass.past + 1), threads: threads).enumerated() {
                scores[pass.past + row + 1] = score
            }
        }
        return scores
    }

    /// Scores of the tokens that came after each position of a pass.
    private static func rows(of pass: Generation, targets: ArraySlice<Int>, threads: Int) throws -> [TokenScore] {
        let program = pass.stepper.program
        guard let id = program.id(of: "logits"), let logits = try pass.stepper.tensor(id)?.contiguous() else { return [] }
        let losses = try program.id(of: "loss.tokens").flatMap { try pass.stepper.tensor($0)?.floats() }
        let rankings = try TokenRanking.rows(of: logits, count: 1, threads: threads)
        let probabilities = try Kernels.softmax(logits, mask: nil, threads: threads)
        let width = logits.shape.rowLength
        return withExtendedLifetime((logits, probabilities)) {
            let z = logits.bytes.bindMemory(to: Float.self)
            let p = probabilities.bytes.bindMemory(to: Float.self)
            return zip(targets, rankings).enumerated().map { row, pair in
                let at = row * width + pair.0
                // The last row's loss has no target within the pass.
                let loss = row + 1 < rankings.count ? losses?[row] : nil
                let better = z[row * width..<(row + 1) * width].count { $0 > z[at] }
                return TokenScore(probability: p[at], rank: better + 1, entropy: pair.1.entropy, loss: loss)
            }
        }
    }
}
