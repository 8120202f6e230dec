import Checkpoints
import Models
import StrictJSON
import Tokenizers

extension InfoReport {
    func json(listingTensors: Bool) -> JSONValue {
        var members: [(String, JSONValue)] = [("path", .string(files.path)), ("kind", .string(files.kind.rawValue))]
        if let reading { members += InfoReport.members(of: reading) }
        if let weights = files.weights { members += self.members(of: weights) }
        if let tokenizer { members.append(("tokenizer", tokenizer.json)) }
        if let reading { members.append(("memory", memory(reading))) }
        if let scan { members.append(("non_finite", InfoReport.json(scan))) }
        members.append(("notes", .array(notes.map { .string($0) })))
        members.append(("problems", .array(problems.map { .string($0) })))
        if listingTensors, let weights = files.weights { members.append(("tensors", .array(weights.entries.map(InfoReport.json)))) }
        return .object(members)
    }

    private static func members(of reading: ConfigReading) -> [(String, JSONValue)] {
        let s = reading.settings
        let settings: [(String, JSONValue)] = [
            ("layers", .integer(s.layers)), ("hidden", .integer(s.hidden)), ("heads", .integer(s.heads)), ("kv_heads", .integer(s.kvHeads)),
            ("head_dim", .integer(s.headDimension)), ("intermediate", .integer(s.intermediate)), ("vocabulary", .integer(s.vocabulary)),
            ("context", .integer(s.context)), ("activation", .string(s.activation.rawValue)), ("norm_epsilon", .real(s.normEpsilon)),
            ("tied", .bool(s.tied)), ("attention_bias", .bool(s.attentionBias)), ("mlp_bias", .bool(s.mlpBias)),
        ]
        let rope: [(String, JSONValue)] = s.rope.map { [("rope_theta", .real($0.theta)), ("rope_type", .string("\($0.kind)"))] } ?? []
        return [("architecture", .string(reading.architecture.name)), ("settings", .object(settings + rope))]
    }

    private func members(of weights: Checkpoint) -> [(String, JSONValue)] {
        let formats = files.formats.map { total in
            JSONValue.object([
                ("format", .string(total.type.spokenName)), ("tensors", .integer(total.tensors)),
                ("parameters", .integer(total.parameters)),
                ("bytes", .integer(total.bytes)),
            ])
        }
        return [
            ("parameters", .integer(files.parameterCount)), ("tensor_count", .integer(files.tensorCount)), ("formats", .array(formats)),
            ("files", .array(weights.files.map { .object([("path", .string($0.path)), ("bytes", .integer($0.file.byteCount))]) })),
        ]
    }

    private func memory(_ reading: ConfigReading) -> JSONValue {
        let (context, tokens) = (reading.settings.context, passTokens(reading))
        return .object([
            ("weights", files.weights.map { .integer($0.byteCount) } ?? .null), ("context", .integer(context)),
            ("kv_cache", .integer(reading.cacheBytes(tokens: context))), ("pass_tokens", .integer(tokens)),
            ("pass_values", .integer(reading.valueBytes(tokens: tokens))),
        ])
    }

    private static func json(_ scan: NonFiniteScan) -> JSONValue {
        let tensors = scan.findings.map {
            JSONValue.object([("name", .string($0.name)), ("nan", .integer($0.nanCount)), ("infinity", .integer($0.infinityCount))])
        }
        return .object([
            ("tensors", .array(tensors)), ("scanned_bytes", .integer(scan.scannedBytes)), ("skipped_bytes", .integer(scan.skippedBytes)),
        ])
    }

    private static func json(_ entry: TensorEntry) -> JSONValue {
        .object([
            ("name", .string(entry.name)), ("format", .string(entry.type.spokenName)),
            ("shape", .array(entry.dimensions.map { .integer($0) })),
            ("bytes", .integer(entry.range.count)),
        ])
    }
}
