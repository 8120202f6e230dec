import Engine
import Foundation
import Tensors
import Testing

/// What kernels of the reverse walk say that they hold is what the process holds more of while they run.
@Suite(.serialized) struct ScratchTests {
    /// 48 MiB of scores, and as much of what query heads send to the heads that they share.
    private static let unit = 12 << 20

    struct Case: Sendable, CustomStringConvertible {
        let op: any Op
        let input: Int
        let shapes: [Shape]
        let shape: Shape
        let format: NumberFormat?
        /// How many units are held.
        let units: Int

        var description: String { "\(op.card.name) \(input) \(op.parameters) \(format.map(\.name) ?? "fp32")" }
    }

    private static func scores(_ cap: Double, _ format: NumberFormat?, units: Int) -> Case {
        let q = Shape((.head, 12), (.token, 1024), (.feature, 1))
        let s = Shape((.head, 12), (.query, 1024), (.key, 1024))
        let op = AttentionScores(scale: 0.5, softcap: cap, mask: AttentionMask())
        return Case(op: op, input: 0, shapes: [q] + (cap > 0 ? [s, s] : [s]), shape: q, format: format, units: units)
    }

    private static func context(_ format: NumberFormat?, units: Int) -> Case {
        let p = Shape((.head, 12), (.query, 1), (.key, 4096))
        let shape = Shape((.head, 2), (.token, 4096), (.feature, 256))
        let dC = Shape((.token, 1), (.feature, 12 * 256))
        return Case(
            op: AttentionContext(mask: AttentionMask()), input: 1, shapes: [p, dC], shape: shape, format: format, units: units)
    }

    private static let cases = [
        scores(0, nil, units: 0), scores(3, nil, units: 1), scores(0, .bf16, units: 1), scores(3, .fp16, units: 2),
        context(nil, units: 0), context(.bf16, units: 2),
    ]

    @Test(arguments: cases) func itIsWhatTheProcessHolds(_ item: Case) throws {
        let rounding = Rounding(format: item.format, accumulation: nil)
        let said = item.op.backwardScratch(item.input, item.shapes, shape: item.shape, rounding: rounding)
        #expect(said == item.units * Self.unit)
        let values = try item.shapes.map { try Tensor($0, [Float](repeating: 0.25, count: $0.elementCount)) }
        let kernel = try #require(item.op.backwardKernels(item.input).first)
        // Other tests take memory and give it back meanwhile: what is found most often counts.
        var votes: [Int: Int] = [:]
        var order: [(units: Int, count: Int)] { votes.map { ($0.key, $0.value) }.sorted { $0.1 > $1.1 } }
        var isClear: Bool { (order.first?.count ?? 0) >= 3 + (order.dropFirst().first?.count ?? 0) }
        for _ in 0..<40 where !isClear {
            let bytes = try Self.held { try kernel.run(values, item.shape, Arithmetic(threads: 1, rounding: rounding)) }
            votes[Int((Double(bytes) / Double(4 * Self.unit)).rounded()), default: 0] += 1
        }
        #expect(order.first?.units == item.units, "\(votes)")
    }

    /// Bytes that are in memory behind a kernel and were not before it, but for its value: what it held waits to be used again.
    private static func held(_ run: () throws -> Tensor) throws -> Int {
        Buffer.releaseUnused()
        let before = resident
        let value = try run()
        return withExtendedLifetime(value) { resident - before - value.byteCount }
    }

    private static var resident: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }
}
