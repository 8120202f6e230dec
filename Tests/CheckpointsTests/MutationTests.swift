import Checkpoints
import StrictJSON
import Testing

/// Valid files with bytes flipped, cut, doubled and swapped: any error is right, any crash is not.
@Suite struct MutationTests {
    private static let header = """
        {"__metadata__":{"format":"pt","note":"\\u00e9\\n"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
        "b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"c":{"dtype":"I64","shape":[],"data_offsets":[32,40]}}
        """
    private static let config = """
        {"model_type": "llama", "hidden_size": 64, "rms_norm_eps": 1e-06, "rope_scaling": {"type": "linear", "factor": 2.0},
         "eos_token_id": [1, 2], "tie_word_embeddings": true, "note": "\\ud83d\\udc0b", "none": null}
        """

    @Test(arguments: [1, 2, 3, 4]) func headers(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        let valid = safetensors(MutationTests.header, data: 40)
        var accepted = 0
        for _ in 0..<2000 {
            let bytes = mutated(valid, &random, from: Bool.random(using: &random) ? 8 : 0)
            let file = bytes.withUnsafeBytes { try? SafetensorsHeader(of: $0, path: "fuzz") }
            guard let file else { continue }
            accepted += 1
            #expect(file.entries.allSatisfy { $0.range.upperBound <= bytes.count && $0.range.lowerBound >= 8 })
        }
        #expect(accepted < 2000)
        #expect(throws: Never.self) { try valid.withUnsafeBytes { try SafetensorsHeader(of: $0, path: "valid") } }
    }

    @Test(arguments: [5, 6]) func json(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        let valid = Array(MutationTests.config.utf8)
        for _ in 0..<3000 {
            let bytes = mutated(valid, &random, from: 0)
            do { _ = try StrictJSON.parse(bytes) } catch {
                #expect(error.offset <= bytes.count && error.line >= 1 && error.column >= 1)
            }
        }
    }

    @Test func everyPrefixIsAnError() {
        let valid = safetensors(MutationTests.header, data: 40)
        for count in 0..<valid.count {
            #expect(throws: CheckpointError.self) {
                try Array(valid.prefix(count)).withUnsafeBytes { try SafetensorsHeader(of: $0, path: "prefix") }
            }
        }
    }

    private func mutated(_ bytes: [UInt8], _ random: inout SplitMix, from start: Int) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0..<4, using: &random) where bytes.count > start + 2 {
            let at = Int.random(in: start..<bytes.count - 1, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[at] = UInt8.random(in: .min ... .max, using: &random)
            case 2: bytes.remove(at: at)
            case 3: bytes.insert(bytes[at], at: at)
            case 4: bytes.swapAt(at, at + 1)
            default: bytes[at] = Array(#"0123456789{}[]",:-.eE\u"#.utf8).randomElement(using: &random) ?? 0
            }
        }
        return bytes
    }
}

/// Steele, Lea and Flood 2014: the same numbers on every machine.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
