import Engine
import Tensors
import Testing

/// Kernels of several steps, of other functions, and those that fail where the formula does not.
struct FusedStepTests {
    /// One layer's attention, gate and norm: every step that a kernel can take in with another.
    private struct Layer {
        let program: Program
        let bindings: [Int: Tensor]

        init(packed: Bool = false, tokens: Int = 7) throws {
            var graph = Graph()
            let axis = Axis(.feature, 8)
            let mask = AttentionMask(packed: packed)
            let heads = Shape((.head, 2), (.token, tokens), (.feature, 8))
            let (x, k, v) = (graph.input("x", heads), graph.input("k", heads), graph.input("v", heads))
            let first = packed ? [graph.input("first", Shape((.token, tokens)))] : []
            let positions = graph.input("positions", Shape((.token, tokens)))
            let theta = graph.apply(RopeFrequencies(base: 10000, dimensions: 8), [], as: "theta")
            let cos = graph.apply(RopeTable(.cos), [theta, positions], as: "cos")
            let sin = graph.apply(RopeTable(.sin), [theta, positions], as: "sin")
            let q = graph.apply(Rope(), [x, cos, sin], as: "q")
            let scores = graph.apply(AttentionScores(scale: 0.4, mask: mask), [q, k] + first, as: "scores")
            let probs = graph.apply(Softmax(mask: mask), [scores] + first, as: "probs")
            let context = graph.apply(AttentionContext(mask: mask), [probs, v] + first, as: "context")
            let gate = graph.linear(context, "gate", output: axis)
            let act = graph.apply(Activation(.geluTanh), [gate], as: "act")
            let up = graph.linear(context, "up", output: axis)
            let product = graph.apply(Multiply(), [act, up], as: "product")
            let sum = graph.apply(Add(), [gate, product], as: "sum", role: .residual)
            let w = graph.weight("norm.weight", Shape((.feature, 8)))
            _ = graph.apply(RMSNorm(epsilon: 1e-6), [sum, w], as: "norm")
            program = try Program(graph)
            var noise = Noise(seed: 5)
            var bindings: [Int: Tensor] = [:]
            for id in program.leaves {
                let value = program.values[id]
                switch value.name {
                case "positions": bindings[id] = try Tensor(ids: (0..<tokens).map { Int32($0 * 31) })
                case "first": bindings[id] = try Tensor(ids: (0..<tokens).map { Int32($0 / 3 * 3) })
                default: bindings[id] = try noise.tensor(.normal(value.shape))
                }
            }
            self.bindings = bindings
        }

        func stepper(_ rules: String, keep: Recording.Keep) throws -> Stepper {
            try Stepper(program, policy: Policy(rules: Policy.rules(from: rules)), keep: keep, bindings: bindings)
        }

        func run(_ rules: String, keep: Recording.Keep = .all(budget: .max), edits: [String] = []) throws -> [String: Tensor] {
            var stepper = try stepper(rules, keep: keep)
            if !edits.isEmpty { stepper = try #require(try stepper.rerun(EditSet(edits.map { try Edit($0) }))).stepper }
            while !stepper.isFinished { try stepper.step() }
            var values: [String: Tensor] = [:]
            for step in program.steps { values[program.values[step.output].name] = try stepper.tensor(step.output) }
            return values
        }
    }

    private static func bits(_ values: [String: Tensor], _ name: String) -> [UInt32]? { values[name]?.floats().map(\.bitPattern) }

    @Test(
        arguments: [
            ("context", "flash"), ("product", "fused"), ("norm", "fused-add"), ("q", "no-tables"), ("cos", "quotient"), ("sin", "quotient"),
        ], [false, true])
    func aFusedKernelGivesTheValueAndLeavesWhatLiesBetween(_ pair: (value: String, kernel: String), packed: Bool) throws {
        let layer = try Layer(packed: packed)
        let (own, fused) = (try layer.run(""), try layer.run("=\(pair.value) kernel \(pair.kernel)"))
        let end = try #require(layer.program.id(of: pair.value).flatMap { layer.program.values[$0].step })
        for step in layer.program.steps[..<end] {
            let name = layer.program.values[step.output].name
            #expect(Self.bits(own, name) == Self.bits(fused, name), "\(name)")
        }
        let (a, b) = (try #require(fused[pair.value]), try #require(own[pair.value]))
        #expect(SampleCase.error(a.doubles(), b.doubles()) < 1e-10)
        // The norm of a sum that fp32 holds anyway, and a rotation of the same angles, have the same bits.
        let isSame = Self.bits(own, pair.value) == Self.bits(fused, pair.value)
        if ["norm", "product", "q"].contains(pair.value) { #expect(isSame) }
        if pair.value == "context" { #expect(!isSame) }
        for keep in [Recording.Keep.nothing, .all(budget: 200)] {
            #expect(
                Self.bits(try layer.run("=\(pair.value) kernel \(pair.kernel)", keep: keep), "norm") == Self.bits(fused, "norm"), "\(keep)")
        }
    }

    /// What lies between is not rounded, for it is not stored.
    @Test(arguments: [("context", "flash"), ("product", "fused"), ("norm", "fused-add"), ("q", "no-tables")])
    func inSixteenBitsTheyDiffer(_ value: String, _ kernel: String) throws {
        let layer = try Layer()
        let (own, fused) = (try layer.run("bf16"), try layer.run("bf16\n=\(value) kernel \(kernel)"))
        let inDouble = try layer.run("fp64")
        let exact = try #require(inDouble[value]).doubles()
        #expect(Self.bits(own, value) != Self.bits(fused, value))
        let errors = [own, fused].map { SampleCase.error($0[value]?.doubles() ?? [], exact) }
        #expect(errors[1] < 4 * errors[0] && errors[1] > 0, "\(errors)")
    }

    /// An edit between the steps is not seen by a kernel that skips it: the op's own kernel runs then.
    @Test(arguments: [
        ("context", "flash", "zero probs[0, 3]"), ("context", "flash", "zero scores[0, 3]"), ("product", "fused", "zero act[2]"),
    ])
    func editsBetweenReachTheValue(_ value: String, _ kernel: String, _ edit: String) throws {
        let layer = try Layer()
        let (own, fused) = (try layer.run("", edits: [edit]), try layer.run("=\(value) kernel \(kernel)", edits: [edit]))
        #expect(Self.bits(own, value) == Self.bits(fused, value))
        #expect(Self.bits(own, value) != Self.bits(try layer.run(""), value))
        // An edit elsewhere leaves the kernel in place.
        let elsewhere = try layer.run("=\(value) kernel \(kernel)", edits: ["zero norm.weight[0]"])
        #expect(Self.bits(elsewhere, value) == Self.bits(try layer.run("=\(value) kernel \(kernel)"), value))
    }

    @Test func anotherFunctionIsThatFunctionInEveryFormat() throws {
        let layer = try Layer()
        for rules in ["", "bf16", "fp64"] {
            let found = try layer.run(rules + "\n=act kernel gelu-quick")
            let gate = try #require(found["gate"])
            var graph = Graph()
            _ = graph.apply(Activation(.geluQuick), [graph.input("gate", gate.shape)], as: "act")
            let alone = try Program(graph)
            var stepper = try Stepper(alone, policy: Policy(rules: Policy.rules(from: rules)), keep: .nothing, bindings: [0: gate])
            let id = try stepper.step()
            #expect(try stepper.tensor(id)?.doubles() == found["act"]?.doubles(), "\(rules)")
        }
    }

    /// The derivative is that of the function that ran.
    @Test func gradientsFollowTheMeaning() throws {
        func slope(_ function: ElementFunction, _ rules: String) throws -> [Float] {
            var graph = Graph()
            let x = graph.weight("x", Shape((.token, 1), (.feature, 5)))
            let act = graph.apply(Activation(function), [x], as: "act")
            let loss = graph.apply(
                Mean(), [graph.apply(LossColumn(), [act], as: "losses"), graph.input("targets", Shape((.token, 1)))], as: "loss")
            graph.differentiate(loss) { $0.role == .weight }
            let program = try Program(graph)
            let x5 = try Tensor(Shape((.token, 1), (.feature, 5)), [-1, 0.5, 2, -0.3, 1.2])
            let bindings = Dictionary(
                uniqueKeysWithValues: try program.leaves.map { ($0, program.values[$0].name == "x" ? x5 : try Tensor(ids: [1])) })
            var stepper = try Stepper(
                program, policy: Policy(rules: Policy.rules(from: rules)), keep: .all(budget: .max), bindings: bindings)
            while !stepper.isFinished { try stepper.step() }
            let id = try #require(program.id(of: "grad:x"))
            let gradient = try #require(try stepper.tensor(id))
            return gradient.floats()
        }
        let switched = try slope(.geluTanh, "=act kernel gelu-exact")
        #expect(switched == (try slope(.geluErf, "")))
        #expect(switched != (try slope(.geluTanh, "")))
    }

    @Test(arguments: [
        ("@softmax kernel blas", "@softmax has no kernel blas; it has simd, naive"),
        ("probs kernel nonsense", "there is no kernel nonsense"),
        ("probs kernel blas", "softmax has simd, naive, two-pass, online, base-2, double, reference"),
        ("norm kernel flash", "RMSNorm has simd"),
    ])
    func unknownKernelsAreNamed(_ rule: String, _ words: String) throws {
        let layer = try Layer()
        let error = #expect(throws: (any Error).self) { try layer.run(rule) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(error.map { "\($0)" } ?? "")")
    }

    @Test func aPatternOverManyOpsNeedsOneThatHasTheKernel() throws {
        let layer = try Layer()
        #expect(Self.bits(try layer.run("* kernel flash"), "norm") == Self.bits(try layer.run("context kernel flash"), "norm"))
    }

    // MARK: steps that are one where nothing is kept

    private static let tiles = "\n@attention-scores kernel bf16tile\n@attention-context kernel bf16tile"

    /// Which values a pass that keeps nothing leaves out, and that everything has the bits all the same: the others as the pass goes by, and those
    /// when they are asked for.
    @Test(
        arguments: [
            ("", ["act"]), ("* bf16", ["act"]), ("* fp16", ["act"]), ("* bf16\n@softmax fp32", ["act"]),
            (tiles, ["scores", "probs", "act"]),
            ("* bf16" + tiles, ["scores", "probs", "act"]), ("* fp16" + tiles, ["scores", "probs", "act"]),
            ("* bf16" + tiles + "\n@softmax fp32\nact fp8e4m3", ["scores", "probs", "act"]),
            ("* bf16" + tiles + "\n@softmax kernel naive", ["act"]),
            ("* bf16" + tiles + "\nprobs inputs fp16", ["act"]), ("* bf16" + tiles + "\nprobs mxfp8", ["act"]), ("* int8\nact fp64", []),
            ("* bf16" + tiles + "\n@attention-context accumulate bf16", ["act"]), ("product kernel fused", ["act"]),
            ("* bf16\n=context kernel flash", ["scores", "probs", "act"]), ("* kernel reference", []),
        ], [false, true])
    func stepsThatAreOneHaveTheirBits(_ policy: (rules: String, left: [String]), packed: Bool) throws {
        let layer = try Layer(packed: packed, tokens: 40)
        let kept = try layer.run(policy.rules)
        for asks in [false, true] {
            var stepper = try layer.stepper(policy.rules, keep: .nothing)
            var left: [String] = []
            while !stepper.isFinished {
                let id = try stepper.step()
                let name = layer.program.values[id].name
                if stepper.recording.tensors[id] == nil { left.append(name) }
                if asks || left.last != name {
                    #expect(try stepper.tensor(id)?.doubles().map(\.bitPattern) == kept[name]?.doubles().map(\.bitPattern), "\(name)")
                }
            }
            #expect(left == policy.left)
        }
    }

    /// A value that somebody else reads is made, and so are all where one is edited.
    @Test func valuesThatAreWantedAreMade() throws {
        let layer = try Layer(tokens: 40)
        for edits in [["zero probs[0, 3]"], ["zero norm.weight[0]"]] {
            let plain = try layer.stepper("* bf16" + Self.tiles, keep: .nothing)
            var stepper = try #require(try plain.rerun(EditSet(edits.map { try Edit($0) }))).stepper
            while !stepper.isFinished {
                let id = try stepper.step()
                #expect(stepper.recording.tensors[id] != nil, "\(layer.program.values[id].name)")
            }
        }
        var graph = Graph()
        let x = graph.input("x", Shape((.token, 3), (.feature, 8)))
        let act = graph.apply(Activation(.silu), [x], as: "act")
        let product = graph.apply(Multiply(), [act, x], as: "product")
        _ = graph.apply(Add(), [act, product], as: "sum")
        let ones = try Tensor(Shape((.token, 3), (.feature, 8)), [Float](repeating: 1, count: 24))
        var stepper = try Stepper(try Program(graph), policy: Policy(), keep: .nothing, bindings: [0: ones])
        let id = try stepper.step()
        #expect(stepper.recording.tensors[id] != nil)
    }

    // MARK: where deliberately bad kernels fail

    private static func run(_ op: any Op, _ kernel: String, _ inputs: Tensor...) throws -> [Float] {
        let kernel = try #require(op.kernel(named: kernel))
        return try kernel.run(inputs, op.outputShape(inputs.map(\.shape)), 1).floats()
    }

    /// ln(2¹²⁸) = 88.7228…; exp(−103.98) < 2⁻¹⁵⁰.
    @Test func softmaxWithoutTheMaximumOverflowsExactlyThere() throws {
        func p(_ kernel: String, _ scores: [Float]) throws -> [Float] {
            try Self.run(Softmax(), kernel, Tensor(Shape((.token, 1), (.vocabulary, scores.count)), scores))
        }
        #expect(try p("naive", [88.72, 0]).allSatisfy(\.isFinite))
        #expect(try p("naive", [88.73, 0])[0].isNaN)
        #expect(try p("naive", [-103.9, -103.9]).allSatisfy { $0 == 0.5 })
        #expect(try p("naive", [-104, -104]).allSatisfy(\.isNaN))
        for kernel in ["simd", "two-pass", "online", "base-2", "double"] {
            for scores: [Float] in [[88.73, 0], [-104, -104], [1e8, 1e8]] {
                #expect(try p(kernel, scores).allSatisfy(\.isFinite), "\(kernel) \(scores)")
            }
            // Powers of two of scores times log₂e: the rounding of that product is 2⁷⁶ here.
            #expect(try p(kernel, [1e30, 1e30]).allSatisfy(\.isFinite) == (kernel != "base-2"), "\(kernel)")
        }
    }

    @Test func lossesWithoutTheMaximumAndByTheProbabilityFailThere() throws {
        func loss(_ kernel: String, _ z: [Float]) throws -> Float {
            try Self.run(CrossEntropy(), kernel, Tensor(Shape((.token, 1), (.vocabulary, z.count)), z), Tensor(ids: [0]))[0]
        }
        #expect(try loss("no-max", [0, 88.72]).isFinite && loss("no-max", [0, 88.73]) == .infinity)
        #expect(try loss("no-max", [-104, -104]) == -.infinity)
        #expect(try loss("log-softmax", [0, 103.9]).isFinite && loss("log-softmax", [0, 104]) == .infinity)
        for kernel in ["simd", "log-sum-exp", "online", "chunked", "double"] {
            #expect(try abs(loss(kernel, [0, 104]) - 104) < 1e-5 && abs(loss(kernel, [-104, -104]) - 0.6931472) < 1e-5, "\(kernel)")
        }
    }

    @Test func chunksAreAsManyAsPublished() {
        #expect([1, 32000, 65536, 65537, 128_256, 256_000].map(CrossEntropy.chunkCount) == [1, 1, 1, 2, 2, 4])
    }

    /// σ² = 1 beside μ² = 10⁶ has lost 20 of its 24 digits, beside μ² = 10⁸ all of them.
    @Test func oneOnePassVarianceCancels() throws {
        func error(_ kernel: String, mean: Float) throws -> Double {
            let row = (0..<64).map { mean + ($0 % 2 == 0 ? 1 : -1) }
            let (w, b) = ([Float](repeating: 1, count: 64), [Float](repeating: 0, count: 64))
            let found = try Self.run(
                LayerNorm(epsilon: 1e-5), kernel, Tensor(Shape((.token, 1), (.feature, 64)), row), Tensor(Shape((.feature, 64)), w),
                Tensor(Shape((.feature, 64)), b))
            return SampleCase.error(found.map(Double.init), row.map { $0 > mean ? 1 : -1 })
        }
        #expect(try error("one-pass", mean: 0) < 1e-10)
        #expect(try error("one-pass", mean: 1e3) > 1e-6)
        #expect(try error("one-pass", mean: 1e4) > 1e-2)
        for kernel in ["simd", "welford", "pairwise", "double"] { #expect(try error(kernel, mean: 1e4) < 1e-9, "\(kernel)") }
    }

    @Test func aTableWithOneInfinitySpoilsAProductWithOnes() throws {
        let table = try Tensor(Shape((.vocabulary, 2), (.feature, 1)), [1, .infinity])
        let ids = try Tensor(ids: [0])
        #expect(try Self.run(Embedding(), "one-hot", ids, table)[0].isNaN)
        for kernel in ["gather", "strided", "double"] { #expect(try Self.run(Embedding(), kernel, ids, table) == [1]) }
    }

    /// K products of the same sign: what each order makes of 2²⁴ + 1 + 1 + ….
    @Test func ordersOfASumDifferAsTheyShould() throws {
        let count = 4096
        let x = try Tensor(Shape((.token, 1), (.feature, count)), [16_777_216] + [Float](repeating: 1, count: count - 1))
        let w = try Tensor(Shape((.output, 1), (.input, count)), [Float](repeating: 1, count: count))
        let linear = Linear(output: Axis(.feature, 1))
        let exact = Float(16_777_216 + count - 1)
        #expect(try Self.run(linear, "naive", x, w) == [16_777_216])
        #expect(try Self.run(linear, "blocked", x, w) == [16_777_216])
        #expect(try Self.run(linear, "reversed", x, w) == [exact])
        #expect(try Self.run(linear, "kahan", x, w) == [exact])
        #expect(try abs(Self.run(linear, "pairwise", x, w)[0] - exact) <= 16)
        #expect(try abs(Self.run(linear, "split-k", x, w)[0] - exact) <= 1024)
    }

    /// Blocks of 32: the largest is exact, what is below half a step of its block is 0, and blocks do not know of each other.
    @Test func q8TakesBlocksAsGgmlDoes() throws {
        var values = [Float](repeating: 0, count: 64)
        (values[0], values[1], values[2], values[32]) = (127, 0.49, -63.6, 0.25)
        let x = try Tensor(Shape((.token, 1), (.feature, 64)), values)
        let w = try Tensor(
            Shape((.output, 4), (.input, 64)), (0..<4).flatMap { row in (0..<64).map { $0 == [0, 1, 2, 32][row] ? Float(1) : 0 } })
        let found = try Self.run(Linear(output: Axis(.feature, 4)), "int8dot", x, w)
        let one = Float(NumberFormat.fp16.nearest(1.0 / 127)) * 127
        let quarter = Float(NumberFormat.fp16.nearest(0.25 / 127)) * 127
        #expect(found[0] == 127 * one && found[1] == 0 && found[2] == -64 * one)
        #expect(abs(found[3] - quarter * one) < 1e-7)
    }
}
