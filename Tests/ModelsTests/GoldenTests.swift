import Engine
import Models
import StrictJSON
import Tensors
import Testing

/// The samples against Hugging Face transformers (Golden/make_golden.py).
struct GoldenTests {
    @Test(arguments: Sample.allCases, [1, 2]) func valuesAreThoseOfTransformers(_ sample: Sample, threads: Int) throws {
        let golden = try sample.golden()
        let run = try sample.model().run(sample.promptIDs(), threads: threads)
        let values = try #require(golden["values"]?.object)
        #expect(values.count > 50)
        for (name, expected) in values.members {
            let expected = try #require(expected.object)
            let found = try run.floats(name)
            let shape = try #require(expected["shape"]?.integers)
            #expect(found.count == shape.reduce(1, *), "\(name)")
            let rms = try #require(expected["rms"]?.number?.double)
            let square = found.reduce(0) { $0 + Double($1) * Double($1) } / Double(found.count)
            #expect(abs(square.squareRoot() - rms) <= 2e-5 * rms, "\(name): rms \(square.squareRoot()), not \(rms)")
            let positions = try #require(expected["positions"]?.integers)
            let elements = try #require(expected["elements"]?.doubles)
            for (position, element) in zip(positions, elements) {
                #expect(abs(Double(found[position]) - element) <= 1e-4 * rms, "\(name)[\(position)] = \(found[position]), not \(element)")
            }
        }
        let loss = try #require(golden["loss"]?.number?.double)
        #expect(abs(Double(try run.floats("loss")[0]) - loss) < 1e-5)
    }

    /// BLAS in the place of the engine's own product.
    @Test(arguments: Sample.allCases) func blasAgrees(_ sample: Sample) throws {
        let (model, ids) = (try sample.model(), try sample.promptIDs())
        let rules = ["*proj", "*c_attn", "*c_fc", "lm_head"].map { Policy.Rule(pattern: NamePattern($0), kernel: "blas") }
        let (own, other) = (try model.run(ids), try model.run(ids, rules: rules))
        let linear = other.program.steps.count { $0.op is Linear }
        #expect(other.choices.count { $0.kernelName == "blas" } == linear && linear > 20)
        let (ours, theirs) = (try own.floats("logits"), try other.floats("logits"))
        let error = zip(ours, theirs).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        #expect(error / ours.reduce(0) { $0 + Double($1 * $1) } < 1e-10)
    }

    @Test(arguments: Sample.allCases) func greedyTextIsThatOfTransformers(_ sample: Sample) throws {
        let model = try sample.model()
        let tokenizer = try #require(model.tokenizer)
        for (prompt, expected) in try #require(sample.golden()["greedy"]?.object).members {
            let ids = try #require(expected.object?["prompt"]?.integers)
            #expect(tokenizer.encode(prompt).map { Int($0) } == ids)
            #expect(try GoldenTests.greedy(model, ids, count: 24) == expected.object?["ids"]?.integers, "\(prompt)")
        }
    }

    /// Samples/README.md, "What they have learned".
    @Test(
        arguments: Sample.allCases,
        [
            ("When Mia and Tom went to the market, Tom gave a ring to", " Mia"),
            ("When Tom and Mia went to the market, Mia gave a ring to", " Tom"),
            ("The red box holds a bell. The blue box holds a shoe. The red box holds a", " bell"), ("12 + 7 =", " 19"),
        ])
    func sentencesOfTheSamples(_ sample: Sample, _ sentence: (prompt: String, answer: String)) throws {
        let model = try sample.model()
        let tokenizer = try #require(model.tokenizer)
        let ids = try GoldenTests.greedy(model, tokenizer.encode(sentence.prompt).map { Int($0) }, count: 3)
        #expect(tokenizer.decode(ids.map { Int32($0) }).hasPrefix(sentence.answer))
    }

    static func greedy(_ model: Model, _ prompt: [Int], count: Int) throws -> [Int] {
        var generation = try Generation(model: model, prompt: prompt, policy: Policy(), keep: .nothing)
        var sampler = Sampler.greedy
        var ids: [Int] = []
        while true {
            _ = try generation.stepper.run(to: .end)
            let logits = try #require(try generation.lastLogits())
            ids.append(try sampler.choose(logits))
            if ids.count == count { return ids }
            try generation.append(ids[ids.count - 1])
        }
    }
}
