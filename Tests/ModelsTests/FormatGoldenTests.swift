import Checkpoints
import Engine
import Models
import StrictJSON
import Tensors
import Testing

/// The samples in 16 bits against Hugging Face transformers (Golden/make_golden_formats.py).
struct FormatGoldenTests {
    static let presets: [(Policy.Preset, Bool, Double)] = [(.bf16, true, 1e-4), (.bf16, false, 1e-4), (.fp16, false, 1e-5)]

    /// With sums of products in one chain each, and as dot products of bf16 pairs where the processor has them. One number that falls on the
    /// other side of a middle grows from layer to layer: PyTorch's own logits of GPT-2 in bf16 are 8e-5 apart with and without oneDNN.
    @Test(arguments: [Sample.llama, .gpt2], presets)
    func valuesAreThoseOfTransformers(_ sample: Sample, _ preset: (name: Policy.Preset, dotsPairs: Bool, bound: Double)) throws {
        let golden = try #require(try sample.formatGolden()[preset.name.rawValue]?.object)
        let rules = preset.name.rules.filter { preset.dotsPairs || $0.kernel == nil }
        let (run, single) = (try sample.model().run(sample.promptIDs(), rules: rules), try sample.model().run(sample.promptIDs()))
        #expect(golden.count > 7)
        for (name, expected) in golden.members {
            let positions = try #require(expected.object?["positions"]?.integers)
            let elements = try #require(expected.object?["elements"]?.doubles)
            let found = try run.floats(name)
            #expect(found.allSatisfy { Double($0) == run.policyFormat(name).nearest(Double($0)) }, "\(name) holds other numbers")
            let error = FormatGoldenTests.error(positions.map { Double(found[$0]) }, elements)
            #expect(error <= preset.bound, "\(name): \(error)")
            // Before any sum of products there is one way to round.
            guard ["embed_tokens", "input_layernorm", "wte", "ln_1"].contains(where: name.hasSuffix) else { continue }
            #expect(error == 0, "\(name)")
            guard name.hasSuffix("norm") || name.hasSuffix("ln_1") else { continue }
            let other = try single.floats(name)
            #expect(FormatGoldenTests.error(positions.map { Double(other[$0]) }, elements) > 0)
        }
    }

    /// A weight of the file in a narrow format is one tensor for every run of a model, with the bits of rounding it anew.
    @Test func weightsAreRoundedOnce() throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        let name = "model.layers.2.mlp.up_proj.weight"
        let id = try #require(try model.run(ids).program.id(of: name))
        func weight(_ format: NumberFormat) throws -> Tensor {
            try #require(try model.run(ids, rules: [Policy.Rule(pattern: NamePattern("*"), format: format)]).tensor(id))
        }
        for format in [NumberFormat.bf16, .fp8e4m3, .fp16, .tf32, .int8] {
            let (first, second) = (try weight(format), try weight(format))
            #expect(first.bytes.baseAddress == second.bytes.baseAddress, "\(format)")
            #expect(first.type == ([.bf16, .fp8e4m3].contains(format) ? .bf16 : .f32))
            let fresh = try format.rounded(Tensor(first.shape, model.weight(name).floats()), threads: 1)
            #expect(first.floats() == fresh.floats(), "\(format)")
        }
        #expect(try weight(.fp32).floats() == model.weight(name).floats())
    }

    private static func error(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / b.reduce(0) { $0 + $1 * $1 }
    }

    /// A walk back in 16 bits gives PyTorch's gradients of the model in that format (Golden/make_golden_gradients.py): they are several
    /// times nearer to these than PyTorch's own are to its fp32 ones.
    @Test(arguments: [Sample.llama, .gpt2, .gemma2], [(Policy.Preset.bf16, 0.02, 1e-3), (.fp16, 0.4, 1e-4)])
    func gradientsAreThoseOfPyTorch(_ sample: Sample, _ preset: (name: Policy.Preset, share: Double, most: Double)) throws {
        let narrow = try #require(try sample.narrowGradients()[preset.name.rawValue]?.object)
        let (errors, noise) = try Self.errors(sample, narrow, preset.name.rules.filter { $0.kernel == nil })
        #expect(errors.count > 80 && errors.allSatisfy { $0 <= preset.most }, "\(errors.max() ?? .nan)")
        let (middle, torchs) = (Self.middle(errors), Self.middle(noise))
        #expect(middle <= preset.share * torchs, "\(middle), PyTorch's against fp32 \(torchs)")
    }

    /// What is left of that is PyTorch's rounding of two sums that it makes in fp32: those of a norm over a row, and the cross entropy. One number
    /// that falls on the other side of a middle for it grows from layer to layer. Where PyTorch makes them in fp64, as it is done here, most
    /// gradients have its very bits, by the same products of bf16 numbers.
    @Test(arguments: [
        (Sample.llama, Policy.Preset.bf16, 1.0, 0.0), (.gpt2, .bf16, 1.0, 0.0), (.gemma2, .bf16, 0.9, 1e-5),
        (.llama, .fp16, 1.0, 0.0), (.gpt2, .fp16, 0.15, 4e-6), (.gemma2, .fp16, 0.45, 1e-6),
    ])
    func gradientsHaveTheBitsOfPyTorch(_ sample: Sample, _ preset: Policy.Preset, _ share: Double, _ most: Double) throws {
        let wide = try #require(try sample.wideGradients()[preset.rawValue]?.object)
        let tiles = ["linear", "attention-scores", "attention-context"].map { "@\($0) kernel bf16tile" }.joined(separator: "\n")
        let rules = preset.rules.filter { $0.kernel == nil } + (preset == .bf16 ? try Policy.rules(from: tiles) : [])
        let (errors, noise) = try Self.errors(sample, wide, rules)
        #expect(errors.count > 80 && errors.allSatisfy { $0 <= most }, "\(errors.max() ?? .nan)")
        let exact = Double(errors.count { $0 == 0 }) / Double(errors.count)
        #expect(exact >= share, "\(exact)")
        #expect(Self.middle(errors) <= (preset == .bf16 ? 0 : 0.005) * Self.middle(noise), "\(Self.middle(errors))")
    }

    private static func middle(_ numbers: [Double]) -> Double { numbers.sorted()[numbers.count / 2] }

    /// How far each gradient of a walk is from PyTorch's in 16 bits, and these from its fp32 ones.
    private static func errors(_ sample: Sample, _ narrow: JSONObject, _ rules: [Policy.Rule]) throws -> (own: [Double], torchs: [Double]) {
        let golden = try sample.goldenGradients()
        let run = try sample.model().run(try #require(golden["input_ids"]?.integers), rules: rules, backward: true)
        var (errors, noise): ([Double], [Double]) = ([], [])
        for (name, expected) in try #require(golden["gradients"]?.object).members {
            let expected = try #require(expected.object)
            let (positions, single) = (expected["positions"]?.integers ?? [], expected["elements"]?.doubles ?? [])
            let (torch, found) = (try #require(narrow[name]?.doubles), try run.floats("grad:\(name)"))
            let rms = try #require(expected["rms"]?.number?.double)
            // The largest element is among them: in a gradient that has few large ones it outweighs the mean square.
            let size = max(single.reduce(0) { $0 + $1 * $1 }, Double(positions.count) * rms * rms)
            func distance(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / size }
            errors.append(distance(positions.map { Double(found[$0]) }, torch))
            noise.append(distance(single, torch))
        }
        return (errors, noise)
    }

    /// Rules that say fp32 of everything change nothing, and neither do threads in a narrow format.
    @Test(arguments: [Sample.llama, .gpt2]) func bitsStay(_ sample: Sample) throws {
        let (model, ids) = (try sample.model(), try sample.promptIDs())
        let plain = try model.run(ids, backward: true)
        #expect(try model.run(ids, rules: Policy.rules(from: "* fp32"), backward: true).hashes == plain.hashes)
        for preset in Policy.Preset.allCases where ![.fp32, .fp64].contains(preset) {
            let narrow = try model.run(ids, threads: 1, rules: preset.rules, backward: true)
            #expect(narrow.hashes == (try model.run(ids, threads: 2, rules: preset.rules, backward: true).hashes), "\(preset)")
            #expect(narrow.hashes["loss"] != plain.hashes["loss"], "\(preset)")
        }
    }

    /// fp64 by the formulas alone: what the exact evaluation has.
    @Test(arguments: [Sample.llama, .gpt2]) func doublePrecisionIsExact(_ sample: Sample) throws {
        let (model, ids) = (try sample.model(), Array(try sample.promptIDs().prefix(4)))
        let run = try model.run(ids, rules: Policy.Preset.fp64.rules)
        let leaves = run.program.values.indices.filter { run.program.values[$0].step == nil }
        let exact = try Evaluation(
            run.program, bindings: Dictionary(uniqueKeysWithValues: leaves.compactMap { id in try run.tensor(id).map { (id, $0) } }))
        let loss = try #require(run.program.id(of: "loss"))
        #expect(try run.tensor(loss)?.doubles() == exact.values[loss].values)
        #expect(exact.values[loss].values[0] != Double(try model.run(ids).floats("loss")[0]))
    }

    /// A gradient has the format of its value.
    @Test func gradientsFollow() throws {
        let run = try Sample.llama.model().run(Sample.llama.promptIDs(), rules: Policy.Preset.bf16.rules, backward: true)
        for (step, choice) in zip(run.program.steps, run.choices) {
            let value = run.program.values[step.output]
            guard value.role == .gradient, value.name.hasPrefix("grad:model.layers") || value.name.hasPrefix("grad:lm_head") else {
                continue
            }
            #expect(choice.format == .bf16, "\(value.name)")
            let numbers = try #require(try run.tensor(step.output)).floats()
            #expect(numbers.allSatisfy { $0.bitPattern & 0xFFFF == 0 }, "\(value.name)")
        }
        #expect(run.choices.contains { $0.format == .fp32 })
    }
}

extension Stepper {
    func policyFormat(_ name: String) -> NumberFormat {
        program.id(of: name).flatMap { program.values[$0].step }.map { choices[$0].format } ?? .fp32
    }
}
