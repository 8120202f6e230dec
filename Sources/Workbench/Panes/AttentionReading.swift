import Engine
import Foundation
import Screen
import Tensors

/// What the attention screen asks of the engine.
package enum AttentionQuestion: Hashable, Sendable {
    /// One head as a picture of so many bins, with what each query's row adds up to.
    case head(layer: Int, head: Int, part: AttentionView.Part, rows: Int, columns: Int)
    /// All heads of a layer as small pictures.
    case heads(layer: Int, rows: Int, columns: Int)
    /// The keys a query looks at most.
    case query(layer: Int, head: Int, row: Int, count: Int)
    /// How one probability came about.
    case cell(layer: Int, head: Int, row: Int, key: Int)
}

package enum AttentionAnswer: Sendable {
    case head(AttentionPicture)
    case heads([AttentionThumbnail])
    case query(AttentionQuery)
    case cell(AttentionCell)
}

/// One head, ready to draw: hidden cells are masked bins.
package struct AttentionPicture: Sendable {
    package let grid: PooledGrid
    /// Of visible cells.
    package let counts: HeatCounts
    /// Magnitudes of visible cells.
    package let p99: Double
    package let p999: Double
    package let largest: Double
    /// One a query, in nats, and the sum of its probabilities; empty where those are not known yet.
    package let entropies: [Double]
    package let sums: [Double]
    package let hidden: Int
    package let visible: Int
    /// Whether the scores are −∞ in hidden cells and in no other; nil where they are not known yet.
    package let isMaskedExactly: Bool?
}

package struct AttentionThumbnail: Sendable {
    package let grid: PooledGrid
    /// The mean of the queries' entropies, in nats.
    package let entropy: Double
}

package struct AttentionQuery: Sendable {
    package struct Entry: Sendable, Hashable {
        package let key: Int
        package let probability: Float
    }

    /// Likeliest first, NaN before all, ties by place.
    package let top: [Entry]
    /// What is not among them.
    package let rest: Double
    package let restCount: Int
    package let entropy: Double
    package let sum: Double
    package let visible: Range<Int>
    /// The entropy of a query that looks at all its keys alike.
    package let mostEntropy: Double

    /// fp32 sums of a few thousand terms are within this.
    package var sumsToOne: Bool { abs(sum - 1) <= 1e-5 }
}

/// softmax(scale · q·k + mask) with its numbers, each computed by the ops that the engine's own scores and probabilities are made with.
package struct AttentionCell: Sendable {
    package let dot: Double
    package let scaled: Double
    /// After the soft cap, where there is one.
    package let capped: Double
    package let isHidden: Bool
    /// What the run recorded.
    package let score: Double?
    package let probability: Double?
    /// The largest score of the row, and the softmax's parts.
    package let top: Double
    package let exponential: Double
    package let sum: Double
}

/// Answers the attention screen's questions from a stepper, on the engine thread.
struct AttentionReader {
    let stepper: Stepper
    let threads: Int

    func answer(_ question: AttentionQuestion) throws -> AttentionAnswer {
        switch question {
        case .head(let layer, let head, let part, let rows, let columns):
            return .head(try picture(values(layer), head, part, rows: rows, columns: columns))
        case .heads(let layer, let rows, let columns):
            let values = try values(layer)
            let probs = try tensor(values.probs)
            return .heads(try (0..<values.heads).map { try thumbnail(probs[$0].floats(), values, rows: rows, columns: columns) })
        case .query(let layer, let head, let row, let count): return .query(try query(values(layer), head, row, count))
        case .cell(let layer, let head, let row, let key): return .cell(try cell(values(layer), head, row, key))
        }
    }

    private func values(_ layer: Int) throws -> AttentionValues {
        guard let values = stepper.program.attention(layer: layer) else { throw AttentionFault(rule: "layer \(layer) has no attention") }
        return values
    }

    private func tensor(_ id: Int) throws -> Tensor {
        guard let tensor = try stepper.tensor(id) else { throw AttentionFault(rule: "not computed yet") }
        return tensor
    }

    // MARK: pictures

    private func picture(_ values: AttentionValues, _ head: Int, _ part: AttentionView.Part, rows: Int, columns: Int) throws
        -> AttentionPicture
    {
        let probs = try stepper.tensor(values.probs)?[head].floats()
        let scores = try stepper.tensor(values.scores)?[head].floats()
        let shown: [Float]
        switch part {
        case .probs: shown = try probs ?? missing()
        case .scores: shown = try scores ?? missing()
        case .mask:
            shown = (0..<values.queries).flatMap { row in (0..<values.keys).map { values.visible(row).contains($0) ? 0 : -.infinity } }
        }
        let plane = AttentionPlane(values, shown, hidden: part == .probs ? 0 : -.infinity)
        let sizes = plane.magnitudes
        return AttentionPicture(
            grid: try plane.grid(rows: rows, columns: columns, threads: threads), counts: plane.counts, p99: plane.quantile(sizes, 0.99),
            p999: plane.quantile(sizes, 0.999), largest: Double(sizes.last ?? 0), entropies: probs.map { plane.entropies($0) } ?? [],
            sums: probs.map { plane.sums($0) } ?? [], hidden: plane.hiddenCount, visible: values.queries * values.keys - plane.hiddenCount,
            isMaskedExactly: scores.map { AttentionPlane(values, $0, hidden: -.infinity).isMaskedExactly })
    }

    private func missing() throws -> [Float] { throw AttentionFault(rule: "not computed yet") }

    private func thumbnail(_ probs: [Float], _ values: AttentionValues, rows: Int, columns: Int) throws -> AttentionThumbnail {
        let plane = AttentionPlane(values, probs, hidden: 0)
        let entropies = plane.entropies(probs)
        return AttentionThumbnail(
            grid: try plane.grid(rows: rows, columns: columns, threads: threads),
            entropy: entropies.reduce(0, +) / Double(max(entropies.count, 1)))
    }

    // MARK: one query

    private func query(_ values: AttentionValues, _ head: Int, _ row: Int, _ count: Int) throws -> AttentionQuery {
        let probs = try tensor(values.probs)[head][row].floats()
        let visible = values.visible(row)
        let order = probs.indices.filter { visible.contains($0) || probs[$0] != 0 }.sorted { a, b in
            if probs[a].isNaN || probs[b].isNaN { return probs[a].isNaN && (!probs[b].isNaN || a < b) }
            return probs[a] != probs[b] ? probs[a] > probs[b] : a < b
        }
        let top = order.prefix(count)
        let rest = order.dropFirst(count)
        return AttentionQuery(
            top: top.map { AttentionQuery.Entry(key: $0, probability: probs[$0]) }, rest: rest.reduce(0) { $0 + Double(probs[$1]) },
            restCount: rest.count, entropy: AttentionPlane.entropy(probs[...]), sum: probs.reduce(0) { $0 + Double($1) }, visible: visible,
            mostEntropy: log(Double(max(visible.count, 1))))
    }

    // MARK: one cell

    private func cell(_ values: AttentionValues, _ head: Int, _ row: Int, _ key: Int) throws -> AttentionCell {
        // Without the mask, so that a hidden cell shows what it would have been.
        let op = AttentionScores(scale: values.scale, softcap: values.softcap, mask: AttentionMask(causal: false))
        let pair = [try tensor(values.q)[head][row], try tensor(values.k)[values.keyHead(of: head)][key]].map(AttentionReader.alone)
        guard var parts = try Expansion(op, inputs: pair, at: [0, 0, 0], policy: stepper.policy) else {
            throw AttentionFault(rule: "there is no such cell")
        }
        _ = try parts.stepper.run(to: .end)
        let visible = values.visible(row)
        let scores = try tensor(values.scores)[head][row]
        let softmax = try softmax(
            scores.view(Shape((.item, 1), (.key, visible.count)), strides: [visible.count, 1], offset: visible.lowerBound))
        let isHidden = !visible.contains(key)
        return AttentionCell(
            dot: try number("q·k", of: parts), scaled: try number("scale·q·k", of: parts),
            capped: try parts.stepper.tensor(parts.result)?.value(at: [0]) ?? .nan, isHidden: isHidden, score: scores.value(at: [key]),
            probability: try stepper.tensor(values.probs)?.value(at: [head, row, key]), top: try number("max", of: softmax, at: [0, 0]),
            exponential: isHidden ? 0 : try number("exp(s − max)", of: softmax, at: [0, key - visible.lowerBound]),
            sum: try number("Σ exp", of: softmax, at: [0, 0]))
    }

    /// One vector as a head with one token.
    static func alone(_ vector: Tensor) -> Tensor {
        let length = vector.shape.rowLength
        return vector.view(Shape((.head, 1), (.token, 1), (.feature, length)), strides: [length, length, 1])
    }

    private func softmax(_ row: Tensor) throws -> Expansion {
        guard var parts = try Expansion(Softmax(), inputs: [row], at: [0, 0], policy: stepper.policy) else {
            throw AttentionFault(rule: "softmax has no parts")
        }
        _ = try parts.stepper.run(to: .end)
        return parts
    }

    private func number(_ name: String, of parts: Expansion, at index: [Int] = [0]) throws -> Double {
        try parts.stepper.program.id(of: name).flatMap { try parts.stepper.tensor($0) }?.value(at: index) ?? .nan
    }
}

struct AttentionFault: Error, CustomStringConvertible {
    let rule: String
    var description: String { rule }
}
