import Engine
import Models
import Tensors
import Testing

/// Every quirk of the catalogue, by being listed.
struct QuirkTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let quirk: Quirk
        let subject: Subject
        var testDescription: String { "\(quirk.name) on \(subject)" }

        /// Each quirk of a run with every small model that it is of; those of training have a test beside the trainer's.
        static let all: [Case] = Quirk.all.filter { !$0.isOfTraining }.flatMap { quirk in
            Subject.allCases.filter { subject in
                (subject != .chat || quirk.input == "input_ids") && ((try? subject.model()).map { quirk.applies($0) } ?? false)
            }.map { Case(quirk: quirk, subject: $0) }
        }

        func off() throws -> Model { try subject.model() }
        func on() throws -> Model { try off().with(quirks: [quirk.name]) }

        /// The passes of a prompt and of one token more; where positions may be anything, one of them is far from the beginning.
        func passes(_ model: Model, rules: [Policy.Rule] = []) throws -> [Generation] {
            let far = model.settings.rope == nil ? [] : [try Edit("set position_ids[token 2] = 8190")]
            let ids = model.quirked(try subject.ids())
            var generation = try Generation(
                model: model, prompt: ids, edits: EditSet(far), policy: Policy(rules: rules, threads: 2), keep: .all(budget: .max))
            _ = try generation.stepper.run(to: .end)
            let prompt = generation
            try generation.append(9)
            _ = try generation.stepper.run(to: .end)
            return [prompt, generation]
        }
    }

    /// Models small enough to be run often, of every architecture; the last two have tokenizers.
    enum Subject: String, CaseIterable, Sendable {
        case llama, rescaled, gpt2, gemma, gemma2, fables, chat

        func model() throws -> Model {
            if self == .fables || self == .chat { return try (self == .chat ? Sample.gemma2 : .llama).model() }
            var tiny = try TinyCheckpoint(try #require(Architecture.find(self == .rescaled ? "llama" : rawValue)))
            if self == .rescaled {
                tiny.config["rope_scaling"] = """
                    {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 16}
                    """
            }
            return try tiny.model()
        }

        /// The samples read a text; `chat` what a user says, through the template.
        func ids() throws -> [Int] {
            switch self {
            case .fables: try Sample.llama.promptIDs()
            case .chat: try #require(try model().tokenizer?.chatPrompt("What did Mia find?")).map(Int.init)
            default: [1, 5, 36, 0, 7, 5, 22, 11, 30, 2, 17, 8]
            }
        }
    }

    @Test func namesAreUniqueAndEachHasAModel() {
        #expect(Set(Quirk.all.map(\.name)).count == Quirk.all.count)
        for quirk in Quirk.all {
            #expect(quirk.isOfTraining || Case.all.contains { $0.quirk.name == quirk.name }, "no model for \(quirk.name)")
            #expect(quirk.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" } && !quirk.title.hasSuffix("."))
            #expect(quirk.story.count > 100 && quirk.story.hasSuffix(".") && !quirk.source.isEmpty && !quirk.story.contains("  "))
        }
    }

    @Test(arguments: Case.all) func theFirstValueThatDiffersIsTheNamedOne(_ test: Case) throws {
        let (off, on) = (try test.passes(test.off()), try test.passes(test.on()))
        let first = try zip(off, on).lazy.compactMap { try FirstDifference($0.stepper, $1.stepper) }.first
        let found = try #require(first, "nothing differs")
        #expect(NamePattern(test.quirk.first).matches(found.name), "\(found.name) \(found.index) \(found.numbers)")
    }

    /// The cast errors are of narrow runs first of all.
    @Test(arguments: Case.all.filter { ["sqrt-d-format", "norm-cast-early", "gemma2-casts"].contains($0.quirk.name) })
    func castErrorsInBF16(_ test: Case) throws {
        let rules = Policy.Preset.bf16.rules
        let (off, on) = (try test.passes(test.off(), rules: rules), try test.passes(test.on(), rules: rules))
        let found = try #require(try FirstDifference(off[0].stepper, on[0].stepper))
        #expect(found.name == test.quirk.first)
    }

    @Test(arguments: Case.all) func offChangesNoBit(_ test: Case) throws {
        let plain = try test.off()
        let undone = try test.on().with(quirks: [])
        #expect(undone.quirks.isEmpty)
        for (a, b) in zip(try test.passes(plain), try test.passes(undone)) {
            #expect(a.stepper.hashes == b.stepper.hashes && b.stepper.program.marks.isEmpty)
        }
    }

    /// Switched live: the bits of a run that had it from the start; nothing is computed again but what follows; and back.
    @Test(arguments: Case.all.filter { !$0.quirk.beginsAnew }) func switchedLive(_ test: Case) throws {
        let model = try test.off()
        let plain = try test.passes(model)
        let (on, steps) = try #require(try Generation.carried(plain, to: model.with(quirks: [test.quirk.name])))
        let fresh = try test.passes(test.on())
        for (live, fresh) in zip(on, fresh) { #expect(live.stepper.hashes == fresh.stepper.hashes) }
        #expect(steps > 0 && steps < plain.reduce(0) { $0 + $1.stepper.program.steps.count })
        let (back, _) = try #require(try Generation.carried(on, to: model))
        for (back, plain) in zip(back, plain) { #expect(back.stepper.hashes == plain.stepper.hashes) }
    }

    /// Weights that were rounded to the run's format are the same weights still: nothing before the difference is computed again.
    @Test(arguments: [Subject.gemma2, .gpt2]) func switchedLiveInBF16(_ subject: Subject) throws {
        let (model, rules) = (try subject.model(), Policy.Preset.bf16.rules)
        let quirk = try #require(model.applicableQuirks.first { $0.name == (subject == .gpt2 ? "scores-unscaled" : "caps-missing") })
        let test = Case(quirk: quirk, subject: subject)
        let plain = try test.passes(model, rules: rules)
        let other = try model.with(quirks: [quirk.name])
        let (on, steps) = try #require(try Generation.carried(plain, to: other))
        for (live, fresh) in zip(on, try test.passes(other, rules: rules)) { #expect(live.stepper.hashes == fresh.stepper.hashes) }
        #expect(steps < plain.reduce(0) { $0 + $1.stepper.program.steps.count } * 9 / 10)
    }

    /// What the quirk's ops compute has the derivative that their backward says; a rounding has none.
    @Test(arguments: Case.all.filter { $0.subject != .fables }) func gradientsFollow(_ test: Case) throws {
        let rounds = ["norm-cast-early", "gemma2-casts", "rope-tables-bf16"].contains(test.quirk.name)
        guard case .ops = test.quirk.change, !rounds else { return }
        let model = try test.on()
        let walk = try model.run(test.subject.ids(), backward: true)
        let checker = try #require(try GradientChecker(walk) { _ in })
        var random = SplitMix64(state: 7)
        let weights = walk.program.weights.filter { walk.program.gradient(of: $0) != nil }
        for id in weights.enumerated().filter({ $0.offset % 5 == 0 }).map(\.element) {
            for position in checker.elements(of: id, count: 1, random: &random) {
                let check = try #require(try checker.check(id, at: position))
                #expect(check.passes, "\(walk.program.values[id].name): \(check.double), measured \(check.quotient)")
            }
        }
    }

    @Test func mistakesAreSaid() throws {
        let model = try Subject.gpt2.model()
        #expect(#expect(throws: QuirkError.self) { try model.with(quirks: ["gelu"]) }?.rule.hasPrefix("there is no quirk 'gelu'") == true)
        let other = #expect(throws: QuirkError.self) { try model.with(quirks: ["cap-after-mask"]) }
        #expect(other?.rule.hasPrefix("quirk 'cap-after-mask' is not of this GPT-2; of it are head-untied, scores-unscaled") == true)
    }

    /// Several at once are all there, whatever the order of their names.
    @Test func severalTogether() throws {
        let model = try Subject.gemma2.model()
        let names = ["gelu-exact", "cap-after-mask", "window-ignored", "sqrt-d-format"]
        let ids = try Subject.gemma2.ids()
        let one = try model.with(quirks: names).run(ids)
        #expect(try one.hashes == model.with(quirks: names.reversed()).run(ids).hashes)
        #expect(Set(one.program.marks.values.joined()) == Set(names))
        // A key beyond the window and one ahead have probability.
        let probs = try #require(one.program.id(of: "model.layers.0.self_attn.probs"))
        let tensor = try #require(try one.tensor(probs))
        #expect((tensor.value(at: [0, 11, 0]) ?? 0) > 0 && (tensor.value(at: [0, 3, 9]) ?? 0) > 0)
    }

    /// What the quirks of a chat template make of its tokens, word by word.
    @Test func templates() throws {
        let model = try Subject.chat.model()
        let tokenizer = try #require(model.tokenizer)
        func text(_ quirk: String) throws -> String {
            let ids = try model.with(quirks: [quirk]).quirked(Subject.chat.ids())
            return String(decoding: ids.flatMap { tokenizer.tokenBytes(Int32($0)) }, as: UTF8.self)
        }
        let asked = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWhat did Mia find?<|eot_id|>"
        let header = "<|start_header_id|>assistant<|end_header_id|>"
        #expect(try text("template-turn-typo") == asked + "assistant" + header + "\n\n")
        #expect(try text("template-newline-missing") == asked + header)
        #expect(try text("bos-missing") == asked.dropFirst(17) + header + "\n\n")
        #expect(try text("untrained-rows") == "<|begin_of_text|><|start_header_id|>" + asked.dropFirst(17) + header + "\n\n")
    }

    /// Planted rows are found, a row that is small all over but for one negative number is not, and a head that repeats itself is.
    @Test func untrainedRowsAreFound() throws {
        var tiny = try TinyCheckpoint(try #require(Architecture.find("llama")))
        #expect(try !tiny.model().applicableQuirks.contains { $0.name == "untrained-rows" })
        tiny.rows = ["model.embed_tokens.weight": [5: 1e-23, 9: -1e-23, 11: 0], "lm_head.weight": [5: 0, 9: 0.25]]
        let model = try tiny.model()
        let on = try model.with(quirks: ["untrained-rows"])
        #expect(on.quirked([1, 2]) == [5, 1, 2])
        tiny.rows["model.embed_tokens.weight"] = [5: -0.1, 9: 1e-23, 11: 1e-23]
        tiny.rows["lm_head.weight"] = [5: 0, 9: 0.25, 11: 0.25]
        #expect(try tiny.model().with(quirks: ["untrained-rows"]).quirked([1, 2]) == [9, 1, 2])
    }

    /// What a program reads that trusts its own sizes: the first numbers of each weight. Too few of them are an error that says so.
    @Test func headsTakenForHiddenShared() throws {
        let model = try Subject.gemma.model()
        let (off, on) = (try model.run(Subject.gemma.ids()), try model.with(quirks: ["head-dim-derived"]).run(Subject.gemma.ids()))
        let name = "model.layers.0.self_attn.o_proj.weight"
        let (whole, part) = (try off.floats(name), try on.floats(name))
        #expect(part.count == 24 * 24 && whole.count == 24 * 40 && part == Array(whole.prefix(part.count)))
        var tiny = try TinyCheckpoint(try #require(Architecture.find("gemma")))
        tiny.config["head_dim"] = "4"
        for (name, shape) in tiny.tensors where name.contains("self_attn") {
            tiny.tensors[name] = shape.map { $0 == 40 ? 16 : $0 == 20 ? 8 : $0 }
        }
        let small = try tiny.model().with(quirks: ["head-dim-derived"])
        let fault = #expect(throws: QuirkError.self) { try small.run([1, 2]) }
        #expect(fault?.rule.contains("q_proj.weight has 384 numbers") == true)
    }

    /// Positions that bf16 has no number for : 257 becomes 256, 8190 and 8191 become 8192.
    @Test func positionsInBF16() {
        let table = RopeTable(.cos, positions: .bf16)
        let inputs = [Dense<Double>(Shape((.pair, 1)), [1e-3]), Dense<Double>(Shape((.token, 4)), [256, 257, 8190, 8191])]
        let found = table.reference(inputs).values
        #expect(found[0] == found[1] && found[2] == found[3] && found[0] != found[2])
        #expect(found[2] == RopeTable(.cos).reference([inputs[0], Dense<Double>(Shape((.token, 1)), [8192])]).values[0])
    }

    /// √3072 and √2048 in bf16 and fp16.
    @Test(arguments: [(3072.0, NumberFormat.bf16, 55.5), (3072, .fp16, 55.4375), (2048, .bf16, 45.25), (2304, .bf16, 48)])
    func rootsOfWidths(_ width: Double, _ format: NumberFormat, _ rounded: Double) {
        #expect(Scale(width.squareRoot()).factor(in: format) == rounded)
        #expect(Scale(width.squareRoot(), followsFormat: false).factor(in: format) == Double(Float(width.squareRoot())))
    }
}
