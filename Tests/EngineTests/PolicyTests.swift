import Engine
import Tensors
import Testing

struct PolicyTests {
    @Test(arguments: Policy.Preset.allCases) func presetsAreWhatTheirTextSays(_ preset: Policy.Preset) throws {
        let lines = preset.text.split(separator: "\n").map(String.init)
        #expect(preset.rules.map(\.description) == lines)
        #expect(try Policy.rules(from: Policy(rules: preset.rules).text) == preset.rules)
        #expect(try Policy.rules(from: "* fp8e4m3\n\(preset.rawValue)\n") == preset.rules)
    }

    @Test func aFileSaysMore() throws {
        let text =
            "# a remark\n  bf16  # begin so\n*.mlp.* fp8e4m3 saturate flush, inputs mxfp8, accumulate fp16, kernel reference\n@RMSNorm fp32\r\n"
        let rules = try Policy.rules(from: text)
        #expect(rules.count == Policy.Preset.bf16.rules.count + 2)
        let rule = rules[rules.count - 2]
        #expect(rule.format?.saturates == true && rule.format?.flushesSubnormals == true && rule.format?.name == "fp8e4m3")
        #expect(rule.inputs == .mxfp8 && rule.accumulation == .fp16 && rule.kernel == "reference")
        #expect(rule.description == "*.mlp.* fp8e4m3 saturate flush, inputs mxfp8, accumulate fp16, kernel reference")
    }

    @Test func filesOfOtherSystemsAreRead() throws {
        #expect(try Policy.rules(from: "\u{FEFF}bf16\r\n* fp16\r\n") == Policy.rules(from: "bf16\n* fp16"))
    }

    /// Where a rule was written is told with it and makes it no other rule.
    @Test func rulesKnowTheirLine() throws {
        let rules = try Policy.rules(from: "bf16\n\n*.mlp.* fp16", naming: "p.txt")
        #expect(rules.last?.located == "p.txt, line 3: *.mlp.* fp16" && rules.first?.located.hasPrefix("rule ") == true)
        #expect(rules.last == (try Policy.Rule(["*.mlp.*", "fp16"])))
    }

    @Test(arguments: [
        ("bf17", "line 1"), ("fp32\n* bf17", "line 2: there is no format bf17"), ("* bf16 gently", "takes saturate and flush, not gently"),
        ("@nothing bf16", "there is no op @nothing"), ("* inputs", "a format is missing"), ("* kernel", "kernel takes one name"),
        ("* bf16,", "missing"), ("*.mlp.*", "'*.mlp.*' is no preset (fp64, fp32, "),
        ("* bf16 kernel naive", "a comma belongs before kernel"),
        ("* bf16, accumulat fp32", "stands inputs FORMAT, accumulate FORMAT or kernel NAME, not accumulat fp32"),
    ])
    func mistakesAreNamed(_ text: String, _ words: String) {
        let error = #expect(throws: PolicyError.self) { try Policy.rules(from: text, naming: "p.txt") }
        #expect(error?.rule.contains(words) == true && error?.rule.hasPrefix("p.txt, line") == true, "\(error?.rule ?? "")")
    }

    /// Every kernel rounds its parts where the formula does, and what comes out is in the format.
    @Test(arguments: SampleCase.all, [(NumberFormat.bf16, 5e-5), (.fp16, 1e-6), (.fp8e4m3, 2e-2)])
    func kernelsRoundAsTheFormulaDoes(_ test: SampleCase, _ narrow: (format: NumberFormat, bound: Double)) throws {
        let inputs = try test.inputs().map { $0.type == .f32 ? try narrow.format.rounded($0, threads: 1) : $0 }
        let op = test.sample.op
        let shape = try op.outputShape(inputs.map(\.shape))
        let rounding = Rounding(format: narrow.format)
        let exact = op.reference(inputs.map { Dense<Float>($0) }, rounding: rounding)
        for kernel in op.kernels where kernel.inputs == nil || kernel.inputs == narrow.format {
            let values = try [1, 2].map { threads in
                try narrow.format.rounded(kernel.run(inputs, shape, Arithmetic(threads: threads, rounding: rounding)), threads: threads)
            }
            #expect(values[0].floats().map(\.bitPattern) == values[1].floats().map(\.bitPattern))
            let error = SampleCase.error(values[0].doubles(), exact.values.map { narrow.format.nearest(Double($0)) })
            #expect(error <= narrow.bound, "\(kernel.name): \(error)")
        }
    }

    /// Ops whose parts are rounded: what they give differs from the op that is only rounded at its end.
    @Test(arguments: ["RMSNorm", "attention scores", "RoPE", "activation", "sum", "add scaled"])
    func partsAreRounded(_ name: String) throws {
        let tests = SampleCase.all.filter { type(of: $0.sample.op).card.name == name }
        let differing = try tests.filter { test in
            let inputs = try test.inputs().map { $0.type == .f32 ? try NumberFormat.bf16.rounded($0, threads: 1) : $0 }
            let kernel = try #require(test.sample.op.kernels.first)
            let shape = try test.sample.op.outputShape(inputs.map(\.shape))
            let parts = try kernel.run(inputs, shape, Arithmetic(threads: 1, rounding: Rounding(format: .bf16)))
            let values = try [parts, kernel.run(inputs, shape, 1)].map { try NumberFormat.bf16.rounded($0, threads: 1).floats() }
            return values[0] != values[1]
        }
        #expect(!differing.isEmpty)
    }

    /// A chain that is rounded to fp16 after each product stalls where the next product is below half a step: 2048 + 1 = 2048.
    @Test func accumulationIsRounded() throws {
        var graph = Graph()
        let x = graph.input("x", Shape((.token, 1), (.feature, 4096)))
        _ = graph.linear(x, "sum", output: Axis(.feature, 1))
        let program = try Program(graph)
        let ones = [Float](repeating: 1, count: 4096)
        var sums: [String: Float] = [:]
        for line in ["", "sum accumulate fp16", "sum accumulate bf16", "sum accumulate fp64", "sum accumulate fp32", "sum bf16"] {
            let bindings = try Dictionary(
                uniqueKeysWithValues: program.values.filter { $0.step == nil }.map { value in
                    (try #require(program.id(of: value.name)), try Tensor(value.shape, ones))
                })
            var stepper = try Stepper(program, policy: Policy(rules: Policy.rules(from: line)), keep: .nothing, bindings: bindings)
            let id = try stepper.step()
            sums[line] = try #require(try stepper.tensor(id)).floats()[0]
        }
        #expect(
            sums == [
                "": 4096, "sum accumulate fp16": 2048, "sum accumulate bf16": 256, "sum accumulate fp64": 4096, "sum accumulate fp32": 4096,
                "sum bf16": 4096,
            ])
    }
}
