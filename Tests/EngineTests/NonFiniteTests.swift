import Engine
import Tensors
import Testing

/// Numbers that stop being finite, each in another way: the cause that is named is the one that was planted.
struct NonFiniteTests {
    /// One op, or a few, on inputs of one row.
    private static func run(
        _ inputs: [(name: String, values: [Float])], rules: String = "", weight: Float = 300, build: (inout Graph, [Node]) -> Node
    ) throws -> (stepper: Stepper, found: NonFinite) {
        var graph = Graph()
        let nodes = inputs.map { graph.input($0.name, Shape((.token, 1), (.feature, $0.values.count))) }
        _ = build(&graph, nodes)
        let program = try Program(graph)
        var bindings: [Int: Tensor] = [:]
        for (node, input) in zip(nodes, inputs) { bindings[node.id] = try Tensor(node.shape, input.values) }
        for id in program.weights { bindings[id] = try Tensor(program.values[id].shape) { out in out.update(repeating: weight) } }
        var stepper = try Stepper(program, policy: Policy(rules: Policy.rules(from: rules)), keep: .all(budget: .max), bindings: bindings)
        _ = try stepper.run(to: .end)
        let first = try #require(stepper.firstNonFinite)
        return (stepper, try #require(try stepper.nonFinite(in: first)))
    }

    @Test func aSumOfProductsBeyondTheFormat() throws {
        let (_, found) = try Self.run([("x", [1, 2, 300, -1])], rules: "y fp16") { graph, inputs in
            graph.linear(inputs[0], "y", output: Axis(.feature, 2))
        }
        guard case .rounded(let exact, let format) = found.cause else {
            Issue.record("\(found.cause)")
            return
        }
        #expect(exact == 302 * 300 && format == .fp16 && found.number == .infinity && found.count == 2 && found.index == [0, 0])
        #expect(found.sources.first?.term == 90000 && found.sourceCount == 4)
    }

    @Test func aRunningSumBeyondItsFormat() throws {
        let (_, found) = try Self.run([("x", [300, -300, 1, 1])], rules: "y fp16, accumulate fp16") { graph, inputs in
            graph.linear(inputs[0], "y", output: Axis(.feature, 1))
        }
        guard case .between(let format, let part, let number) = found.cause else {
            Issue.record("\(found.cause)")
            return
        }
        #expect(format == .fp16 && part == "products" && number == 90000)
    }

    @Test func tooLargeForSinglePrecision() throws {
        let (_, found) = try Self.run([("a", [1, 3e38]), ("b", [1, 2e38])]) { $0.apply(Add(), $1, as: "y") }
        guard case .rounded(let exact, let format) = found.cause else {
            Issue.record("\(found.cause)")
            return
        }
        #expect(format == .fp32 && abs(exact / 5e38 - 1) < 1e-6 && found.index == [0, 1])
    }

    @Test func infinityLessInfinity() throws {
        let (_, found) = try Self.run([("x", [-.infinity, -.infinity, -.infinity])]) { $0.apply(Softmax(), $1, as: "y") }
        guard case .given(_, let index, let number, nil) = found.cause else {
            Issue.record("\(found.cause)")
            return
        }
        #expect(number == -.infinity && index == [0, 0])
    }

    @Test func zeroTimesInfinityInANorm() throws {
        let (_, found) = try Self.run([("x", [0, 0, 0])]) { graph, inputs in
            graph.apply(RMSNorm(epsilon: 0), [inputs[0], graph.weight("w", Shape((.feature, 3)))], as: "y")
        }
        guard case .part(let part) = found.cause else {
            Issue.record("\(found.cause)")
            return
        }
        #expect(part.name == "x̂" && part.number.isNaN && part.operands == [0, .infinity] && part.format == .fp64)
        #expect(part.origins.map(\.number) == [.infinity] && part.origins[0].operands == [0] && found.exact?.isNaN == true)
    }

    /// Where the op adds up in fp64, no part of it is too large for fp32: r = 1/√(x² + ε) of tiny numbers is what does not fit.
    @Test(arguments: [("simd", NumberFormat.fp64), ("pairwise", .fp32)])
    func fp32EndsOnlyWhereItIsUsed(_ kernel: String, _ sums: NumberFormat) throws {
        let tiny = 7 * Float.leastNonzeroMagnitude
        let (stepper, found) = try Self.run([("x", [tiny, tiny])], rules: "y fp32, kernel \(kernel)", weight: 1) { graph, inputs in
            graph.apply(RMSNorm(epsilon: 0), [inputs[0], graph.weight("w", Shape((.feature, 2)))], as: "y")
        }
        let id = try #require(stepper.program.id(of: "y"))
        #expect(stepper.kernelName(of: id) == kernel && abs((found.exact ?? 0) - 1) < 1e-6)
        switch (found.cause, sums) {
        case (.operation(let part), .fp64): #expect(part.format == .fp64 && part.number.isInfinite)
        case (.part(let part), .fp32): #expect(part.format == .fp32 && part.number.isInfinite && part.operands == [0])
        default: Issue.record("\(found.cause)")
        }
    }

    @Test func aQuotientByZero() throws {
        let (_, found) = try Self.run([("a", [1, 2]), ("b", [1, 0])]) { $0.apply(Zip(.divide), $1, as: "y") }
        guard case .operation(let part) = found.cause else {
            Issue.record("\(found.cause)")
            return
        }
        #expect(part.operands == [2, 0] && found.number == .infinity && found.index == [0, 1])
    }

    @Test func aMaskIsNoFault() throws {
        var graph = Graph()
        let q = graph.input("q", Shape((.head, 1), (.token, 3), (.feature, 2)))
        let k = graph.input("k", Shape((.kvHead, 1), (.token, 3), (.feature, 2)))
        let scores = graph.apply(AttentionScores(scale: 1, mask: AttentionMask()), [q, k], as: "scores")
        _ = graph.apply(Softmax(mask: AttentionMask()), [scores], as: "probs")
        let program = try Program(graph)
        let ones = try Tensor(q.shape, [1, 1, 1, 1, 1, 1])
        var stepper = try Stepper(program, policy: Policy(), keep: .all(budget: .max), bindings: [q.id: ones, k.id: ones.view(k.shape)])
        _ = try stepper.run(to: .end)
        #expect(stepper.statistics(scores.id)?.negativeInfinity == 3 && stepper.firstNonFinite == nil)
        #expect(stepper.numerics(of: scores.id)?.faults == 0)
    }

    @Test func whatWasGivenIsNamed() throws {
        let (stepper, found) = try Self.run([("x", [1, .nan, 1])]) { $0.apply(Scale(2), $1, as: "y") }
        guard case .given(let value, let index, let number, nil) = found.cause else {
            Issue.record("\(found.cause)")
            return
        }
        #expect(stepper.program.values[value].name == "x" && index == [0, 1] && number.isNaN)
    }

    @Test func aWeightThatItsFormatCannotHold() throws {
        let (stepper, found) = try Self.run([("x", [1, 1])], rules: "y.weight fp8e4m3", weight: 500) { graph, inputs in
            graph.linear(graph.apply(Scale(2), inputs, as: "twice"), "y", output: Axis(.feature, 1))
        }
        guard case .given(let value, let index, let number, let original) = found.cause else {
            Issue.record("\(found.cause)")
            return
        }
        #expect(stepper.program.values[value].name == "y.weight" && index == [0, 0] && number.isNaN && original == 500)
    }

    /// How far it goes, and what the numbers of the format say before.
    @Test func numericsOfAValue() throws {
        let (stepper, found) = try Self.run([("x", [1, 2, 3, 1e-6])], rules: "wide fp16\ny fp16") { graph, inputs in
            let wide = graph.apply(Scale(64), inputs, as: "wide")
            let y = graph.linear(wide, "y", output: Axis(.feature, 3))
            return graph.apply(Scale(2), [y], as: "z")
        }
        #expect(found.spread == 1 && found.later == 1)
        let wide = try #require(stepper.program.id(of: "wide").flatMap(stepper.numerics))
        #expect(wide.format == .fp16 && wide.faults == 0 && wide.statistics.absMax == 192)
        #expect(abs((wide.headroom ?? 0) - 8.4144) < 1e-3 && wide.ulp == 0.0625 && wide.growth == nil)
        let share = try #require(stepper.program.id(of: "wide").flatMap(stepper.numerics)).zeroShare
        #expect(share == 0 && wide.subnormals == 0)
    }
}
