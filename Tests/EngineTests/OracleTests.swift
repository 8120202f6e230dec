import Engine
import Tensors
import Testing

struct OracleTests {
    /// Wherever an op has a faster way to compute in fp64, it is the formula.
    @Test(arguments: SampleCase.all) func exactIsTheFormula(_ test: SampleCase) throws {
        let inputs = try test.inputs()
        let exact = try test.sample.op.exact(inputs, threads: 2)
        let formula = test.sample.op.reference(inputs.map { Dense<Double>($0) })
        #expect(exact.shape.counts == formula.shape.counts && exact.type != .i32)
        #expect(SampleCase.error(exact.doubles(), formula.values) < 1e-28)
    }

    /// 1e17 + 1 − 1e17 in every column, either way round: fp64 alone gives 0 or worse.
    @Test(arguments: [false, true]) func cancellationIsSummedTwiceAsPrecisely(_ transposed: Bool) throws {
        let n = 300
        var row = (0..<n).map { $0 % 2 == 0 ? Float(1e17) : -1e17 }
        row[7] = 1
        row[9] = 0x1p-20
        row[8] = 1e17
        // +, − in pairs; the two small numbers stand in the place of two large negative ones.
        row[10] = 0
        row[12] = 0
        let x = try Tensor(Shape((.token, 1), (.feature, n)), row)
        let w = try Tensor(
            transposed ? Shape((.input, n), (.output, 3)) : Shape((.output, 3), (.input, n)), Array(repeating: 1, count: 3 * n))
        let y = try Linear(output: Axis(.feature, 3), transposed: transposed).exact([x, w], threads: 1)
        #expect(y.doubles() == [Double](repeating: 1 + 0x1p-20, count: 3))
    }

    /// Total = carried + made, and what is carried into a value is what its inputs are off by.
    @Test func errorsAreTakenApart() throws {
        var graph = Graph()
        let x = graph.input("x", Shape((.token, 4), (.feature, 64)))
        let y = graph.linear(x, "y", output: Axis(.feature, 48))
        let z = graph.apply(Activation(.silu), [y], as: "z")
        graph.apply(Add(), [z, y], as: "sum")
        let program = try Program(graph)
        var noise = Noise(seed: 3)
        let bindings = try Dictionary(
            uniqueKeysWithValues: program.leaves.map { ($0, try noise.tensor(.normal(program.values[$0].shape))) })
        func run(_ rules: String) throws -> Stepper {
            var stepper = try Stepper(
                program, policy: Policy(rules: Policy.rules(from: rules)), keep: .all(budget: .max), bindings: bindings)
            _ = try stepper.run(to: .end)
            return stepper
        }
        let single = try run("")
        let oracle = try #require(try Oracle(of: single))
        func error(_ name: String, _ stepper: Stepper) throws -> ValueError {
            let id = try #require(program.id(of: name))
            return try #require(try oracle.error(of: id, in: stepper))
        }
        for name in ["y", "z", "sum"] { #expect(try error(name, single).total.relative < 1e-6) }
        // Only the weight is narrow: it makes the error, everything after it carries it.
        let weight = try run("y.weight bf16")
        #expect(try error("y.weight", weight).made.relative > 1e-3 && error("y.weight", weight).carried == .none)
        #expect(try error("y", weight).carried.relative > 1e-3 && error("y", weight).made.relative < 1e-6)
        #expect(try error("sum", weight).carried.relative > 1e-3 && error("sum", weight).made.relative < 1e-6)
        // Only one value is narrow.
        let value = try run("z bf16")
        #expect(try error("z", value).made.relative > 1e-3 && error("z", value).carried.relative < 1e-6)
        #expect(try error("y", value).total == error("y", single).total)
        // In fp64 nothing is made.
        #expect(try error("sum", run("fp64")).total.relative < 1e-15)
        let parts = try error("z", run("bf16"))
        #expect(parts.total.relative <= parts.carried.relative + parts.made.relative * (1 + 1e-9))
    }

    @Test func nonNumbers() {
        let shape = Shape((.token, 2), (.feature, 2))
        let same = ErrorSize([.nan, .infinity, 1, 2], from: [.nan, .infinity, 1, 2], shape: shape)
        #expect(same.nmse == 0 && same.maximum == 0)
        let other = ErrorSize([0, .infinity, 1, .nan], from: [0, .infinity, 1, 2], shape: shape)
        #expect(other.nmse == .infinity && other.index == [1, 1])
    }
}
