import Checkpoints
import Engine
import Models
import Screen
import Tensors
import Tokenizers

extension InfoReport {
    /// A line a fact, its name in the first column.
    func text(listingTensors: Bool) -> String {
        let width = rows.map { $0.name.utf8.count }.max() ?? 0
        let lines = rows.map { $0.name + String(repeating: " ", count: width + 2 - $0.name.utf8.count) + VisibleText.line($0.text) }
        return ([VisibleText.line(files.path)] + lines + tensorLines(all: listingTensors)).joined(separator: "\n")
    }

    private var rows: [(name: String, text: String)] {
        var rows: [(String, String)] = []
        if let reading { rows += InfoReport.rows(of: reading) }
        if let weights = files.weights {
            rows.append(("parameters", "\(Numbers.count(files.parameterCount)) in \(InfoReport.counted(files.tensorCount, "tensor"))"))
            rows.append(("format", files.formats.map(InfoReport.spoken).joined(separator: "; ")))
            rows.append(("files", "\(weights.files.count), \(Numbers.bytes(files.fileBytes))"))
            rows += metadata(weights)
        }
        if let tokenizer { rows.append(("tokenizer", tokenizer.summary)) }
        if let reading { rows.append(("memory", memory(reading))) }
        if let scan { rows.append(("NaN, Inf", InfoReport.spoken(scan))) }
        return rows + notes.map { ("note", $0) } + problems.map { ("wrong", $0) }
    }

    private static func rows(of reading: ConfigReading) -> [(String, String)] {
        let s = reading.settings
        let heads = s.kvHeads == s.heads ? "\(s.heads) heads" : "\(s.heads) heads and \(s.kvHeads) kv heads"
        let size = [
            "\(InfoReport.counted(s.layers, "layer")) of \(s.hidden)", "\(heads) of \(s.headDimension)", "MLP of \(s.intermediate)",
            "vocabulary of \(Numbers.count(s.vocabulary))", "context of \(Numbers.count(s.context))",
        ]
        var parts = [
            "activation \(s.activation.rawValue)", "norm ε \(s.normEpsilon)", s.tied ? "head tied to the embedding" : "head of its own",
        ]
        if let rope = s.rope {
            parts.append("RoPE θ \(Numbers.compact(rope.theta, digits: 6))\(rope.kind == .default ? "" : ", \(rope.kind)")")
        }
        if s.attentionBias || s.mlpBias { parts.append("biases") }
        return [
            ("architecture", reading.architecture.name), ("size", size.joined(separator: ", ")), ("parts", parts.joined(separator: ", ")),
        ]
    }

    private func memory(_ reading: ConfigReading) -> String {
        let tokens = passTokens(reading)
        let context = reading.settings.context
        let weights = files.weights.map { "weights \(Numbers.bytes($0.byteCount)), " } ?? ""
        return weights + "KV cache of \(Numbers.count(context)) tokens \(Numbers.bytes(reading.cacheBytes(tokens: context))), "
            + "all values of a pass of \(tokens) tokens \(Numbers.bytes(reading.valueBytes(tokens: tokens)))"
    }

    /// The pass whose memory is told: the context, or a part of a long one.
    func passTokens(_ reading: ConfigReading) -> Int { min(reading.settings.context, 512) }

    private func metadata(_ weights: Checkpoint) -> [(String, String)] {
        weights.files.flatMap(\.metadata).prefix(8).map { ("metadata", "\($0.key): \(InfoReport.beginning($0.value))") }
    }

    private func tensorLines(all: Bool) -> [String] {
        guard let weights = files.weights, all || files.kind != .folder else { return [] }
        let shown = all ? Int.max : 20
        var table = TextTable(header: ["tensor", "format", "shape"])
        for entry in weights.entries.prefix(shown) {
            table.add([all ? entry.name : InfoReport.beginning(entry.name), entry.type.spokenName, "\(entry.dimensions)"])
        }
        let rest = files.tensorCount - shown
        return ["", table.text] + (rest > 0 ? ["… and \(rest) more (--tensors lists all)"] : [])
    }

    private static func spoken(_ total: FileReport.FormatTotal) -> String {
        "\(total.type.spokenName): \(counted(total.tensors, "tensor")), \(Numbers.bytes(total.bytes))"
    }

    private static func spoken(_ scan: NonFiniteScan) -> String {
        let found = scan.findings.isEmpty ? "none" : "in \(counted(scan.findings.count, "tensor"))"
        return scan.skippedBytes > 0 ? "\(found) in the first \(Numbers.bytes(scan.scannedBytes))" : found
    }

    private static func counted(_ count: Int, _ noun: String) -> String { "\(Numbers.count(count)) \(noun)\(count == 1 ? "" : "s")" }

    private static func beginning(_ text: String) -> String {
        let start = text.unicodeScalars.prefix(101)
        return start.count > 100 ? String(String.UnicodeScalarView(start.dropLast())) + "…" : text
    }
}
