import Engine
import Models
import Screen
import Tensors
import Testing
import Workbench

/// Kernels switched while a model is open.
@Suite struct KernelTests {
    private static let probs = "model.layers.1.self_attn.probs"

    private static func kernel(_ harness: Harness, _ name: String) throws -> String {
        let stepper = try #require(harness.snapshot?.stepper)
        let id = try #require(stepper.program.id(of: name))
        return stepper.kernelName(of: id)
    }

    /// The key goes through all kernels of the op, over the reference, and back to the model's own, with the old bits.
    @Test func aKeyGoesThroughTheKernelsAndBackToTheSameBits() throws {
        var harness = Harness.open()
        let before = try harness.hashes()
        harness.command("goto \(Self.probs)")
        var seen: [String] = []
        let stepper = try #require(harness.snapshot?.stepper)
        let id = try #require(stepper.program.id(of: Self.probs))
        let names = stepper.kernelNames(of: id)
        for _ in names {
            harness.keys("K")
            let name = try Self.kernel(harness, Self.probs)
            seen.append(name)
            let isOwn = name == names[0]
            #expect(harness.text.contains("≠\(name)") != isOwn, "\(name)")
            #expect(try harness.hashes() == (isOwn ? before : Harness.fresh("=\(Self.probs) kernel \(name)")), "\(name)")
        }
        #expect(seen == Array(names.dropFirst()) + [names[0]])
        #expect(seen.contains("naive") && seen.contains("online") && seen.contains(Kernel.reference))
        #expect(harness.snapshot?.stepper.policy.live.isEmpty == true)
        #expect(RunLine.label(harness.session).hasSuffix("tokens  fp32"))
    }

    /// In ASCII every sign of a formula has a letter of its own: none is a question mark.
    @Test func cardsCanBeReadInASCII() {
        let programs = Harness.Sample.allCases.compactMap { Harness.open($0).snapshot?.stepper.program }
        let cards = programs.flatMap(\.steps).map(\.op).flatMap { op in
            let kernels = op.allKernels.compactMap(\.card)
            return [op.card.formula, op.card.sentence] + kernels.flatMap { [$0.order, $0.sentence, $0.rounding, $0.fails ?? ""] }
        }
        let quirks = Quirk.all.flatMap { [$0.title, $0.story] }
        #expect(cards.count > 30 && quirks.count > 30)
        for text in Set(cards + quirks + Command.all.map(\.help)) {
            let lost = text.unicodeScalars.filter { !$0.isASCII && !$0.properties.isGraphemeExtend && GlyphSet.ascii.shown($0) == "?" }
            #expect(lost.isEmpty, "\(String(String.UnicodeScalarView(lost))) in \(text)")
        }
    }

    @Test func onlyWhatFollowsIsComputedAgain() throws {
        var harness = Harness.open()
        let before = try harness.hashes()
        harness.command("goto \(Self.probs)")
        harness.command("kernel online")
        let (after, stepper) = (try harness.hashes(), try #require(harness.snapshot?.stepper))
        let step = try #require(stepper.program.id(of: Self.probs).flatMap { stepper.program.values[$0].step })
        for earlier in stepper.program.steps[..<step] {
            let name = stepper.program.values[earlier.output].name
            #expect(before[name] == after[name], "\(name)")
        }
        #expect(before[Self.probs] != after[Self.probs] && before["lm_head"] != after["lm_head"])
        #expect(harness.session.message?.text.contains("steps again") == true)
    }

    @Test func aPatternSwitchesMany() throws {
        var harness = Harness.open()
        let before = try harness.hashes()
        harness.command("kernel flash context")
        harness.command("kernel fused *.mlp.product")
        harness.command("kernel fused-add *layernorm")
        harness.command("kernel interleaved *_rope")
        // Some of these have the bits of the model's own, so the names are held, too.
        for (name, kernel) in [
            ("self_attn.context", "flash"), ("mlp.product", "fused"), ("post_attention_layernorm", "fused-add"),
            ("self_attn.q_rope", "interleaved"), ("self_attn.k_rope", "interleaved"),
        ] {
            for layer in 0..<6 { #expect(try Self.kernel(harness, "model.layers.\(layer).\(name)") == kernel) }
        }
        #expect(
            try harness.hashes()
                == Harness.fresh("context kernel flash\n*.mlp.product kernel fused\n*layernorm kernel fused-add\n*_rope kernel interleaved")
        )
        harness.command("precision bf16 model.layers.0.mlp")
        harness.command("kernel own")
        #expect(try harness.hashes() == Harness.fresh("model.layers.0.mlp bf16"))
        harness.command("precision own")
        #expect(try harness.hashes() == before)
    }

    /// Another function is marked and said.
    @Test func anotherMeaningIsSaid() throws {
        var harness = Harness.open(size: Size(120, 40))
        harness.command("goto model.layers.0.input_layernorm")
        harness.command("kernel as-gemma")
        #expect(harness.text.contains("≠as-gemma"))
        harness.command("kernels")
        #expect(harness.text.contains("changes what is meant"))
        #expect(harness.text.contains("same bits"))
    }

    @Test func theBoxMeasuresOnTheValuesOwnInputsAndChangesNothing() throws {
        var harness = Harness.open(size: Size(120, 40))
        let before = try harness.hashes()
        harness.command("goto \(Self.probs)")
        harness.keys("c k")
        #expect(harness.text.contains("Kernels of") && harness.text.contains("GFLOP/s") && harness.text.contains("Milakov") == false)
        harness.keys("j")
        #expect(harness.text.contains("88.72") && harness.text.contains("Bridle"))
        let id = try #require(harness.snapshot?.stepper.program.id(of: Self.probs))
        guard case .kernel(let reading)? = harness.session.answers[.kernel(ValueRef(id: id), name: "naive")] else {
            Issue.record("naive has not been measured")
            return
        }
        #expect(reading.seconds > 0 && reading.operations > 0 && reading.bytes > 0 && reading.share > 0)
        // What the box says of the difference is what switching makes of it.
        let own = try harness.snapshot?.stepper.tensor(id)?.floats() ?? []
        #expect(try harness.hashes() == before)
        harness.keys("Space")
        let other = try harness.snapshot?.stepper.tensor(id)?.floats() ?? []
        #expect(reading.differing == zip(own, other).count { $0.bitPattern != $1.bitPattern })
        #expect(reading.difference == zip(own, other).map { abs(Double($0) - Double($1)) }.max())
        #expect(try Self.kernel(harness, Self.probs) == "naive")
        harness.keys("k Space")
        #expect(try harness.hashes() == before)
    }

    @Test(arguments: [
        ("kernel nonsense", "there is no kernel nonsense"),
        ("kernel flash", "softmax has simd, naive, two-pass, online, base-2, double, reference"),
        ("kernel blas @softmax", "@softmax has no kernel blas; it has simd"),
    ])
    func mistakesAreSaid(_ line: String, _ words: String) throws {
        var harness = Harness.open()
        harness.command("goto \(Self.probs)")
        let before = try harness.hashes()
        harness.command(line)
        #expect(
            harness.session.message?.kind == .error && harness.session.message?.text.contains(words) == true,
            "\(harness.session.message?.text ?? "")")
        #expect(try harness.hashes() == before)
    }

    @Test func whatTheFormulaComputesIsNotSwitched() throws {
        var harness = Harness.open()
        harness.command("precision fp64")
        harness.command("goto \(Self.probs)")
        harness.keys("K")
        #expect(harness.session.message?.text.contains("computed by the formula") == true)
        #expect(try Self.kernel(harness, Self.probs) == Kernel.reference)
    }
}
