import Engine
import Tensors
import Testing

/// What a model of rounding says of single ops.
struct VerdictTests {
    /// The op alone as a program, run under a policy.
    private static func run(_ test: SampleCase, _ rules: String, threads: Int = 1, op: (any Op)? = nil) throws -> Stepper {
        var graph = Graph()
        let inputs = try test.inputs()
        let nodes = inputs.enumerated().map { graph.input("input \($0)", $1.shape) }
        graph.apply(op ?? test.sample.op, nodes, as: "y")
        let program = try Program(graph)
        let bindings = Dictionary(uniqueKeysWithValues: zip(nodes.map(\.id), inputs))
        var stepper = try Stepper(
            program, policy: Policy(rules: Policy.rules(from: rules), threads: threads), keep: .all(budget: .max), bindings: bindings)
        try stepper.step()
        return stepper
    }

    private static func verdict(_ run: Stepper, by trusted: Stepper) throws -> Verdict {
        let verdicts = try #require(try Judge.verdicts(Judge(run, by: trusted)))
        return try #require(verdicts.last)
    }

    /// Every kernel, in every format, and without being told which kernel it was.
    @Test(arguments: SampleCase.all, ["", "fp64", "y bf16", "y fp16", "y fp8e4m3", "y mxfp8", "y int8", "y bf16, accumulate fp16"])
    func kernelsAndFormatsAreNoise(_ test: SampleCase, _ rules: String) throws {
        let trusted = try VerdictTests.run(test, "")
        for kernel in ["reference"] + test.sample.op.kernels.map(\.name).filter({ !$0.contains(" ") }) {
            let run = try VerdictTests.run(test, rules == "fp64" ? rules : "\(rules)\ny kernel \(kernel)", threads: 2)
            let verdict = try VerdictTests.verdict(run, by: trusted)
            #expect(!verdict.isBug, "\(kernel): \(verdict)")
            let value = try #require(try run.tensor(verdict.value))
            // A dump tells its format by its numbers; of blocks it cannot.
            guard !rules.contains("mxfp8"), !rules.contains("int8"), !rules.contains("accumulate"), !rules.contains("fp8"),
                !["bf16dot", "bf16tile"].contains(kernel)
            else { continue }
            let dump = try #require(try Judge.verdicts(Judge(["y": value], by: trusted))?.last)
            #expect(!dump.isBug, "\(kernel), as a dump: \(dump)")
        }
    }

    /// One element off by more than its rounding is seen, and nothing else is said to be off.
    @Test(arguments: SampleCase.all) func oneElementOffIsABug(_ test: SampleCase) throws {
        let trusted = try VerdictTests.run(test, "")
        let id = try #require(trusted.program.id(of: "y"))
        let value = try #require(try trusted.tensor(id))
        var floats = value.floats()
        guard let place = floats.indices.last(where: { floats[$0].isFinite && abs(floats[$0]) > 1e-3 }) else { return }
        let scale = floats.filter(\.isFinite).map(abs).max() ?? 1
        floats[place] += scale * 1e-3
        let verdict = try #require(try Judge.verdicts(Judge(["y": Tensor(value.shape, floats)], by: trusted))?.last)
        #expect(verdict.isBug && verdict.factor > 3 && verdict.index == value.shape.index(at: place), "\(verdict)")
    }

    /// The model is no wider than it must be: on average over the ops the rounding of the best kernel is a fair share of what is allowed,
    /// and of errors that were drawn at random as large as the model says, it says noise.
    @Test func theModelIsNotFarTooWide() throws {
        var shares: [Double] = []
        for test in SampleCase.all {
            let trusted = try VerdictTests.run(test, "")
            let verdict = try VerdictTests.verdict(VerdictTests.run(test, "y kernel reference"), by: trusted)
            if verdict.factor > 0 { shares.append(verdict.factor) }
        }
        let sorted = shares.sorted()
        #expect(sorted.count > 30 && sorted[sorted.count / 2] > 0.05 && sorted[sorted.count - 1] <= 1, "\(sorted)")
    }

    /// A backward that forgets that the norm depends on its input, as one written by hand may.
    @Test func aWrongBackwardIsABug() throws {
        func run(_ op: any Op) throws -> Stepper {
            var graph = Graph()
            let x = graph.weight("x", Shape((.token, 3), (.feature, 8)))
            let w = graph.weight("w", Shape((.feature, 8)))
            let rows = graph.apply(Reduce(.sum), [graph.apply(op, [x, w], as: "norm")], as: "rows")
            graph.differentiate(graph.apply(Cell(prefix: [1]), [rows], as: "loss"), leaves: { $0.role == .weight })
            var noise = Noise(seed: 5)
            let bindings = try [x.id: noise.tensor(.normal(x.shape)), w.id: noise.tensor(.normal(w.shape))]
            return try Stepper(try Program(graph), policy: Policy(), keep: .nothing, bindings: bindings)
        }
        func bugs(_ op: any Op) throws -> [String] {
            var (judge, verdicts) = (Judge(.run(try run(op)), stepping: try run(RMSNorm(epsilon: 1e-5)), backward: true), Verdicts())
            while !judge.isFinished { try judge.step(into: &verdicts) }
            return verdicts.entries.filter(\.verdict.isBug).map(\.name)
        }
        #expect(try bugs(RMSNorm(epsilon: 1e-5)).isEmpty)
        #expect(try bugs(ForgetfulNorm()) == ["grad:x"])
    }

    /// The bounds of a number's operations hold: whatever rounding to fp32 did is within them.
    @Test func arithmetic() {
        var noise = Noise(seed: 11)
        for _ in 0..<2000 {
            let (a, b, c) = (noise.normal(), noise.normal(), noise.normal())
            let (x, y, z) = (Uncertain(a), Uncertain(b), Uncertain(c))
            let pairs: [(Float, Uncertain)] = [
                (a + b, x + y), (a - b, x - y), (a * b, x * y), (a / b, x / y), (a * b + c, x * y + z), ((a + b) + c, (x + y) + z),
                (.exp(a), .exp(x)), (.tanh(a), .tanh(x)), (.cos(9 * a), .cos(9 * x)), (.erf(a), .erf(x)),
                (a.magnitude.squareRoot(), .sqrt(x.magnitude)),
                (.log(abs(a)), .log(x.magnitude)), (.pow(abs(a), b), .pow(x.magnitude, y)), (1 / (1 + .exp(-a)), 1 / (1 + .exp(-x))),
            ]
            for (number, (found, expected)) in pairs.enumerated() {
                #expect(abs(Double(found) - expected.number) <= expected.bound, "\(number): \(a) \(b) \(c): \(found) \(expected)")
            }
        }
    }

    @Test func formatsHaveSteps() {
        let third = Uncertain(exactly: 1.0 / 3)
        #expect(third.stored(in: .bf16).bound == 0x1p-10 && third.stored(in: .fp16).bound == 0x1p-13)
        #expect(Uncertain(exactly: 1e5).stored(in: .fp16).bound == .infinity && Uncertain(exactly: 1e5).stored(in: .bf16).bound == 256)
        #expect(Uncertain(exactly: .infinity).stored(in: .fp16).bound == 0)
    }
}

/// RMSNorm whose gradient takes the root mean square for a constant.
private struct ForgetfulNorm: Op {
    static let card = RMSNorm.card
    static let samples: [OpSample] = []
    private let norm = RMSNorm(epsilon: 1e-5)

    func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape { try norm.outputShape(inputs) }
    func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { norm.reference(inputs) }
    var derivatives: [Derivative] { norm.derivatives }

    func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        guard input == 0 else { return norm.backward(input, values, shape: shape) }
        let (x, w, dy) = (values[0], values[1], values[values.count - 1])
        return dy.mapRows { row, slopes in
            let root = (x.row(row).reduce(0) { $0 + $1 * $1 } / R(slopes.count) + R(1e-5)).squareRoot()
            return zip(slopes, w.values).map { $0 * $1 / root }
        }
    }
}
