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
    static func all(_ passes: [Generation], threads: Int, cancelled: () -> Bool) throws -> [TokenScore?] {
        guard let ids = passes.last?.ids else { return [] }
        var scores = [TokenScore?](repeating: nil, count: ids.count)
        for pass in passes {
            let targets = ids.dropFirst(pass.past + 1).prefix(pass.stepper.tokenCount)
            for (row, score) in try rows(of: pass, targets: Array(targets), threads: threads, cancelled: cancelled).enumerated() {
                scores[pass.past + row + 1] = score
            }
        }
        return scores
    }

    /// Scores of the tokens that came after each position of a pass.
    private static func rows(of pass: Generation, targets: [Int], threads: Int, cancelled: () -> Bool) throws -> [TokenScore] {
        let program = pass.stepper.program
        guard let id = program.id(of: "logits"), let logits = try pass.stepper.tensor(id) else { return [] }
        let losses = try program.id(of: "loss.tokens").flatMap { try pass.stepper.tensor($0)?.floats() }
        var scores: [TokenScore] = []
        for block in LogitBlocks.ranges(logits) where block.lowerBound < targets.count {
            if cancelled() { throw PromptError(rule: "stopped") }
            let part = try LogitBlocks.part(block, of: logits)
            let wanted = targets[block.clamped(to: 0..<targets.count)]
            // The last row's loss has no target within the pass.
            let known = block.map { $0 + 1 < logits.shape[0] ? losses?[$0] : nil }
            scores += try rows(of: part, targets: wanted, losses: known, threads: threads)
        }
        return scores
    }

    private static func rows(of logits: Tensor, targets: ArraySlice<Int>, losses: [Float?], threads: Int) throws -> [TokenScore] {
        let rankings = try TokenRanking.rows(of: logits, count: 1, threads: threads)
        let probabilities = try Kernels.softmax(logits, mask: nil, threads: threads)
        let width = logits.shape.rowLength
        return withExtendedLifetime((logits, probabilities)) {
            let z = logits.bytes.bindMemory(to: Float.self)
            let p = probabilities.bytes.bindMemory(to: Float.self)
            return targets.enumerated().map { row, target in
                let at = row * width + target
                let better = z[row * width..<(row + 1) * width].count { $0 > z[at] }
                return TokenScore(probability: p[at], rank: better + 1, entropy: rankings[row].entropy, loss: losses[row])
            }
        }
    }
}

/// Logits in blocks of rows: a long text over a large vocabulary takes the memory of one block more, and can be stopped between two.
enum LogitBlocks {
    private static let rows = 64

    static func ranges(_ logits: Tensor) -> [Range<Int>] {
        let count = logits.shape[0]
        return stride(from: 0, to: count, by: rows).map { $0..<min($0 + rows, count) }
    }

    static func part(_ range: Range<Int>, of logits: Tensor) throws -> Tensor {
        let shape = Shape([Axis(logits.shape.axes[0].name, range.count), logits.shape.axes[1]])
        return try logits.view(shape, strides: logits.strides, offset: range.lowerBound * logits.stride(0)).contiguous()
    }
}
