import Engine
import Tensors
import Testing

/// Derivatives that read what autograd keeps of a value before it is cast: made again in the reverse walk, never recorded.
struct UnroundedTests {
    static let cap = 3.0

    /// Layers of attention alone, with a cap on the scores if there is one, and with a frozen k of the first layer: its q is not kept.
    private static func program(cap: Double = cap, upcasts: Bool = true) throws -> Program {
        var graph = Graph()
        let (tokens, mask) = (9, AttentionMask())
        let head = Shape((.head, 2), (.token, tokens), (.feature, 4))
        var x = graph.apply(
            Activation(.tanh), [graph.input("x", Shape((.token, tokens), (.feature, 8)))], as: "embed", role: .residual)
        for layer in 0..<3 {
            x = graph.module("layers.\(layer)") { graph in
                let q = graph.apply(HeadView(heads: 2, headDimension: 4), [graph.linear(x, "q", output: Axis(.feature, 8))], as: "q_heads")
                let k = graph.input(graph.name("k"), head)
                let scores = graph.apply(AttentionScores(scale: 0.9, softcap: cap, mask: mask), [q, k], as: "scores")
                let probs = graph.apply(Softmax(mask: mask, upcasts: upcasts), [scores], as: "probs")
                let context = graph.apply(AttentionContext(mask: mask), [probs, k], as: "context")
                return graph.apply(Add(), [x, context], as: "", role: .residual)
            }
        }
        let losses = graph.apply(CrossEntropy(), [x, graph.input("targets", Shape((.token, tokens)))], as: "loss.tokens")
        let loss = graph.apply(Mean(), [losses, graph.node(named: "targets") ?? losses], as: "loss")
        graph.differentiate(loss, leaves: { $0.role == .weight })
        return try Program(graph)
    }

    private static func run(
        _ program: Program, _ rules: String = "* bf16\nloss* fp32", keep: Recording.Keep = .all(budget: .max), threads: Int = 1
    ) throws -> Stepper {
        var noise = Noise(seed: 12)
        var bindings: [Int: Tensor] = [:]
        for id in program.leaves {
            let value = program.values[id]
            bindings[id] = try value.name == "targets" ? Tensor(ids: (0..<9).map { Int32($0 * 5 % 8) }) : noise.tensor(.normal(value.shape))
        }
        let policy = Policy(rules: try Policy.rules(from: rules), threads: threads)
        var stepper = try Stepper(program, policy: policy, keep: keep, bindings: bindings)
        while !stepper.isFinished { try stepper.step() }
        return stepper
    }

    private static func tensor(_ run: Stepper, _ name: String) throws -> Tensor {
        try #require(try run.program.id(of: name).flatMap { try run.tensor($0) })
    }

    private static func gradients(_ run: Stepper) throws -> [[Float]] {
        try (0..<3).map { try tensor(run, "grad:layers.\($0).q.weight").floats() }
    }

    /// The gradient of the scores is that of the probabilities as fp32 has them, rounded once at the end.
    @Test(arguments: [NumberFormat.bf16, .fp16, .fp8e5m2]) func theSoftmaxIsWalkedBackAsItWasComputed(_ format: NumberFormat) throws {
        let run = try Self.run(Self.program(), "* \(format)\nloss* fp32")
        let (scores, dP) = (try Self.tensor(run, "layers.1.scores"), try Self.tensor(run, "grad:layers.1.probs"))
        func walked(_ probs: Tensor) throws -> [Float] {
            let slopes = try Kernels.softmaxGradient(probs, dP, mask: AttentionMask(), threads: 1)
            return try format.rounded(slopes, threads: 1).floats()
        }
        let wide = try Kernels.softmax(scores, mask: AttentionMask(), threads: 1)
        let found = try Self.tensor(run, "grad:layers.1.scores").floats()
        #expect(try found == walked(wide))
        #expect(try found != walked(Self.tensor(run, "layers.1.probs")))
        // Where the code computes in the format itself there is nothing else to read.
        let plain = try Self.run(Self.program(upcasts: false), "* \(format)\nloss* fp32")
        #expect(try Self.tensor(plain, "grad:layers.2.scores").floats() != Self.tensor(run, "grad:layers.2.scores").floats())
    }

    /// In fp32 nothing is made again.
    @Test func nothingChangesWhereNothingIsRounded() throws {
        let runs = try [true, false].map { try Self.run(Self.program(upcasts: $0), "") }
        #expect(try Self.gradients(runs[0]) == Self.gradients(runs[1]))
        #expect(try Self.gradients(Self.run(Self.program(), "* fp32")) == Self.gradients(runs[0]))
    }

    @Test(arguments: [0, cap], CheckpointingTests.modes)
    func whatIsKeptChangesNoBit(_ cap: Double, _ keep: Recording.Keep) throws {
        let program = try Self.program(cap: cap)
        let whole = try Self.run(program)
        #expect(try Self.gradients(whole) != Self.gradients(Self.run(Self.program(cap: cap, upcasts: false))))
        for threads in [1, 2] {
            let run = try Self.run(program, keep: keep, threads: threads)
            #expect(try Self.gradients(run) == Self.gradients(whole))
            // It is held while its step runs, and takes no place among what waits.
            let single = try Self.run(program, "", keep: keep, threads: threads)
            #expect(run.recording.peakByteCount == single.recording.peakByteCount)
        }
    }

    /// But it takes memory while its step runs: a matrix of scores more.
    @Test(arguments: [0, cap]) func whatIsMadeAgainIsPlanned(_ cap: Double) throws {
        let program = try Self.program(cap: cap)
        let plans = try ["", "* bf16\nloss* fp32"].map { MemoryPlan(program, policy: Policy(rules: try Policy.rules(from: $0))) { _ in 0 } }
        let matrix = 2 * 9 * 9 * 4
        let more = plans[1].activations - plans[0].activations
        #expect(more >= matrix && more <= 3 * matrix, "\(more)")
    }

    /// The derivative of what was computed, through what was put in its place: a probability that is set by hand has no slope, and the others
    /// keep theirs.
    @Test func editsAreWalkedThrough() throws {
        let free = try Self.run(Self.program())
        let edited = try #require(try free.rerun(EditSet([Edit("set layers.2.probs[head 0, query 5, key 2] = 0.25")]))).stepper
        let dP = try Self.tensor(edited, "grad:layers.2.probs")
        let place = try #require(dP.shape.position(of: [0, 5, 2]))
        let slopes = try Tensor(dP.shape, dP.floats().enumerated().map { $0.offset == place ? 0 : $0.element })
        let wide = try Kernels.softmax(Self.tensor(edited, "layers.2.scores"), mask: AttentionMask(), threads: 1)
        let expected = try Kernels.softmaxGradient(wide, slopes, mask: AttentionMask(), threads: 1)
        #expect(try Self.tensor(edited, "grad:layers.2.scores").floats() == NumberFormat.bf16.rounded(expected, threads: 1).floats())
    }

    /// What is shown of the gradient adds up to it as it was before its own rounding.
    @Test func lineageReadsTheSame() throws {
        let run = try Self.run(Self.program())
        let id = try #require(run.program.id(of: "grad:layers.1.scores"))
        let lineage = try #require(try run.lineage(of: id, at: [1, 6, 3]))
        let sum = lineage.sources.reduce(0) { $0 + $1.term }
        #expect(sum != lineage.number && NumberFormat.bf16.nearest(Double(Float(sum))) == lineage.number)
    }
}
