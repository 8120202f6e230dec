import Engine
import Models
import Tensors
import Testing

/// Decoding with the cache gives the bits of one pass over the whole text.
struct CacheTests {
    /// Prompts of every length, the rest token by token.
    @Test(arguments: Sample.allCases, [1, 2, 7, 14]) func decodingEqualsOnePass(_ sample: Sample, promptLength: Int) throws {
        let (model, ids) = (try sample.model(), try sample.promptIDs())
        let whole = try model.run(ids, threads: 1)
        let width = model.settings.vocabulary
        let logits = try whole.floats("logits")
        var generation = try Generation(model: model, prompt: Array(ids.prefix(promptLength)), policy: Policy(), keep: .nothing)
        for length in promptLength...ids.count {
            _ = try generation.stepper.run(to: .end)
            let same = try generation.lastLogits() == Array(logits[(length - 1) * width..<length * width])
            #expect(same, "after \(length) tokens")
            if length < ids.count { try generation.append(ids[length]) }
        }
        #expect(generation.ids == ids)
    }

    @Test(arguments: ArchitectureTests.Case.all) func everyArchitecture(_ test: ArchitectureTests.Case) throws {
        let model = try TinyCheckpoint(test.architecture).model()
        let ids = (0..<32).map { ($0 * 7 + 3) % 37 }
        let logits = try model.run(ids).floats("logits")
        var generation = try Generation(model: model, prompt: [ids[0]], policy: Policy(), keep: .all(budget: 0))
        for length in 1...ids.count {
            _ = try generation.stepper.run(to: .end)
            let same = try generation.lastLogits() == Array(logits[(length - 1) * 37..<length * 37])
            #expect(same, "after \(length) tokens")
            if length < ids.count { try generation.append(ids[length]) }
        }
        #expect(throws: PromptError.self) { try generation.append(1) }
    }

    /// The cache holds what one pass over the text computes, and a value before the cache is untouched by going back and on another way.
    @Test func cacheHoldsRotatedKeys() throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        let whole = try model.run(ids)
        var generation = try Generation(model: model, prompt: Array(ids.prefix(6)), policy: Policy(), keep: .all(budget: .max))
        _ = try generation.stepper.run(to: .end)
        let fork = generation
        for id in ids.dropFirst(6) {
            try generation.append(id)
            _ = try generation.stepper.run(to: .end)
        }
        var other = fork
        for id in ids.dropFirst(6).reversed() {
            try other.append(id)
            _ = try other.stepper.run(to: .end)
        }
        #expect(try generation.stepper.floats("model.layers.5.self_attn.k_cache") == whole.floats("model.layers.5.self_attn.k_rope"))
        #expect(try generation.stepper.floats("model.layers.0.self_attn.v_cache") == whole.floats("model.layers.0.self_attn.v"))
        #expect(try other.stepper.floats("model.layers.5.self_attn.k_cache") != whole.floats("model.layers.5.self_attn.k_rope"))
    }

    /// Every token of a decoding pass is stepped like any other: back, forth, into.
    @Test func decodingIsStepped() throws {
        let (model, ids) = (try Sample.gpt2.model(), try Sample.gpt2.promptIDs())
        var generation = try Generation(model: model, prompt: Array(ids.dropLast()), policy: Policy(), keep: .all(budget: .max))
        _ = try generation.stepper.run(to: .end)
        try generation.append(ids[ids.count - 1])
        _ = try generation.stepper.run(to: .end)
        let hashes = generation.stepper.hashes
        for _ in 0..<20 { generation.stepper.stepBack() }
        _ = try generation.stepper.run(to: .end)
        #expect(generation.stepper.hashes == hashes)
        #expect(generation.stepper.tokenCount == 1)
        #expect(generation.past == ids.count - 1)
    }
}
