import Engine
import Tensors
import Testing

/// A small model: embedding, two blocks of norm, product and residual, head and loss.
private enum Toy {
    static func program() throws -> Program {
        var graph = Graph()
        let ids = graph.input("ids", Shape((.token, 5)))
        let table = graph.weight("embed.weight", Shape((.vocabulary, 7), (.feature, 8)))
        var x = graph.apply(Embedding(), [ids, table], as: "embed", role: .residual)
        for layer in 0..<3 {
            x = graph.module("layers.\(layer)") { graph in
                let norm = graph.apply(RMSNorm(epsilon: 1e-5), [x, graph.weight("norm.weight", Shape((.feature, 8)))], as: "norm")
                let wide = graph.module("mlp") { $0.linear(norm, "up", output: Axis(.feature, 16)) }
                let act = graph.module("mlp") { $0.apply(Activation(.silu), [wide], as: "act") }
                let down = graph.module("mlp") { $0.linear(act, "down", output: Axis(.feature, 8)) }
                return graph.apply(Add(), [x, down], as: "", role: .residual)
            }
        }
        let logits = graph.linear(x, "head", output: Axis(.vocabulary, 7), weight: table)
        graph.alias(logits, as: "logits")
        return try Program(graph)
    }

    static func stepper(threads: Int = 1, keep: Recording.Keep = .all(budget: .max), poison: Bool = false) throws -> Stepper {
        let program = try program()
        var noise = Noise(seed: 42)
        var bindings: [Int: Tensor] = [:]
        for (id, value) in program.values.enumerated() where value.step == nil {
            bindings[id] = try value.role == .weight ? noise.tensor(.normal(value.shape)) : Tensor(ids: [1, 4, 2, 6, 0])
        }
        if poison, let id = program.id(of: "layers.1.norm.weight") {
            bindings[id] = try Tensor(Shape((.feature, 8)), [1, 1, 1, .infinity, 1, 1, 1, 1])
        }
        return try Stepper(program, policy: Policy(threads: threads), keep: keep, bindings: bindings)
    }

    static func hashes(_ stepper: Stepper) -> [UInt64?] { stepper.program.steps.map { stepper.statistics($0.output)?.hash } }

    static func finished(_ stepper: Stepper) throws -> Stepper {
        var stepper = stepper
        _ = try stepper.run(to: .end)
        return stepper
    }
}

struct StepperTests {
    @Test func steppingBackAndForthChangesNoBit() throws {
        let free = try Toy.finished(Toy.stepper())
        var walked = try Toy.stepper(threads: 2)
        for round in 0..<200 where !walked.isFinished {
            try walked.step()
            if round % 3 == 2 { walked.stepBack() }
            if round % 7 == 6 { walked.stepBack(); walked.stepBack() }
            // Looking at everything there is.
            for id in walked.program.values.indices where walked.isComputed(id) { _ = try walked.lineage(of: id, at: [0, 0]) }
        }
        #expect(walked.isFinished)
        #expect(Toy.hashes(walked) == Toy.hashes(free))
    }

    @Test(arguments: [0, 100, 700, 2000]) func evictedValuesComeBackWithTheSameBits(budget: Int) throws {
        let full = try Toy.finished(Toy.stepper())
        let lean = try Toy.finished(Toy.stepper(keep: .all(budget: budget)))
        #expect(Toy.hashes(lean) == Toy.hashes(full))
        var absent = 0
        for step in full.program.steps {
            absent += lean.recording.tensors[step.output] == nil ? 1 : 0
            #expect(try lean.tensor(step.output)?.floats() == full.tensor(step.output)?.floats())
        }
        #expect(absent > 0)
    }

    @Test func nothingKeptGivesTheSameLogits() throws {
        let full = try Toy.finished(Toy.stepper())
        let plain = try Toy.finished(Toy.stepper(keep: .nothing))
        let id = try #require(full.program.id(of: "logits"))
        #expect(try plain.tensor(id)?.floats() == full.tensor(id)?.floats())
        #expect(plain.recording.statistics.allSatisfy { $0 == nil })
    }

    @Test func goalsComeToRestWhereTheySay() throws {
        var stepper = try Toy.stepper()
        let program = stepper.program
        let down = try #require(program.id(of: "layers.1.mlp.down"))
        _ = try stepper.run(to: .before(down))
        #expect(stepper.next == down)
        _ = try stepper.run(to: .step)
        #expect(stepper.next == program.id(of: "layers.1"))
        _ = try stepper.run(to: .layer(2))
        #expect(stepper.next == program.id(of: "layers.2.norm"))
        _ = try stepper.run(to: .overBlock)
        #expect(stepper.isFinished == false && program.values[stepper.next ?? 0].layer == nil)
        guard case .finished = try stepper.run(to: .end) else { Issue.record("did not finish"); return }
    }

    @Test func overBlockLeavesTheModule() throws {
        var stepper = try Toy.stepper()
        let up = try #require(stepper.program.id(of: "layers.0.mlp.up"))
        _ = try stepper.run(to: .before(up))
        _ = try stepper.run(to: .overBlock)
        #expect(stepper.next == stepper.program.id(of: "layers.0"))
    }

    @Test func breakpointsStopBeforeTheValue() throws {
        var stepper = try Toy.stepper()
        var stops = Stops()
        stops.breakpoints = [Breakpoint(NamePattern("layers.*.mlp.act"))]
        for layer in 0..<3 {
            guard case .breakpoint(_, let value) = try stepper.run(to: .end, stops: stops) else { Issue.record("no stop"); return }
            #expect(stepper.program.values[value].name == "layers.\(layer).mlp.act")
            #expect(stepper.isComputed(value) == false)
        }
    }

    @Test func aWatchpointNamesValueIndexAndCondition() throws {
        var stepper = try Toy.stepper(poison: true)
        var stops = Stops()
        stops.watchpoints = [Watchpoint(NamePattern("*"), .nonFinite)]
        guard case .watchpoint(let point, let value, let index, let found) = try stepper.run(to: .end, stops: stops) else {
            Issue.record("no stop")
            return
        }
        #expect(stepper.program.values[value].name == "layers.1.norm")
        #expect(index == [0, 3])
        #expect(!found.isFinite)
        #expect(point.description == "* has NaN or Inf")
    }

    @Test func watchedLimits() throws {
        let free = try Toy.finished(Toy.stepper())
        let id = try #require(free.program.id(of: "layers.0.mlp.up"))
        let top = try #require(free.statistics(id)?.absMax)
        for (limit, stops) in [(top * 0.99, true), (top, false)] {
            var stepper = try Toy.stepper()
            var points = Stops()
            points.watchpoints = [Watchpoint(NamePattern("layers.0.mlp.up"), .absMax(over: limit))]
            let stop = try stepper.run(to: .end, stops: points)
            if case .watchpoint = stop { #expect(stops) } else { #expect(!stops) }
        }
    }

    @Test func changedComparesWithTheRunBefore() throws {
        var stops = Stops()
        stops.baseline = try Toy.finished(Toy.stepper())
        stops.watchpoints = [Watchpoint(NamePattern("*"), .changed(by: 0))]
        var same = try Toy.stepper()
        guard case .finished = try same.run(to: .end, stops: stops) else { Issue.record("a rerun differs"); return }
        var other = try Toy.stepper(poison: true)
        guard case .watchpoint(_, let value, _, _) = try other.run(to: .end, stops: stops) else { Issue.record("no stop"); return }
        #expect(other.program.values[value].name == "layers.1.norm")
    }

    @Test func lineageOfAProductIsItsTerms() throws {
        let stepper = try Toy.finished(Toy.stepper())
        let id = try #require(stepper.program.id(of: "layers.0.mlp.up"))
        let lineage = try #require(try stepper.lineage(of: id, at: [2, 3]))
        #expect(lineage.sources.count == 8)
        #expect(abs(lineage.sources.reduce(0) { $0 + $1.term } - lineage.number) < 1e-5)
        #expect(zip(lineage.sources, lineage.sources.dropFirst()).allSatisfy { abs($0.term) >= abs($1.term) })
        let norm = try #require(stepper.program.id(of: "layers.0.norm"))
        let uses = try stepper.uses(of: norm, at: lineage.sources[0].index, limit: 100)
        #expect(uses.contains { $0.value == id && $0.index == [2, 3] && $0.term == lineage.sources[0].term })
    }

    @Test func theLensEndsAtTheLogits() throws {
        let stepper = try Toy.finished(Toy.stepper())
        let lens = try #require(try LogitLens(stepper, positions: 1..<4, count: 3))
        #expect(lens.rows.count == 4)
        let id = try #require(stepper.program.id(of: "logits"))
        let logits = try #require(try stepper.tensor(id))
        let last = try #require(lens.rows.last)
        #expect(last.rankings.map { $0.top[0].logit } == (1..<4).map { logits[$0].floats().max() })
    }

    @Test func aPolicyChoosesTheKernel() throws {
        let program = try Toy.program()
        let policy = Policy(rules: [Policy.Rule(pattern: NamePattern("layers.1.*"), kernel: "reference")], threads: 1)
        let names = program.steps.map { policy.choice(for: program.values[$0.output], op: $0.op).kernelName }
        for (step, name) in zip(program.steps, names) where !step.op.kernels.isEmpty {
            #expect((name == "reference") == program.values[step.output].name.hasPrefix("layers.1."))
        }
    }

    @Test func everyShapeMistakeIsListed() {
        var graph = Graph()
        let x = graph.input("x", Shape((.token, 2), (.feature, 3)))
        let y = graph.input("y", Shape((.token, 2), (.feature, 4)))
        graph.apply(Add(), [x, y], as: "a")
        graph.apply(Multiply(), [x, y], as: "b")
        #expect { try Program(graph) } throws: { error in
            let faults = (error as? ProgramError)?.faults ?? []
            return faults.count == 2 && faults[0].hasPrefix("a: ") && faults[1].hasPrefix("b: ")
        }
    }

    @Test(arguments: [
        ("scores", "model.layers.3.self_attn.scores", true), ("layers.3", "model.layers.3.mlp", true),
        ("layers.3", "model.layers.30.mlp", false),
        ("*.mlp.*", "model.layers.3.mlp.act_fn", true), ("*q_proj", "model.layers.0.self_attn.q_proj", true), ("q", "a.q_proj", false),
        ("?.q", "a.q", true), ("", "a", false), ("*", "", true), ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-b-b", false),
    ]) func patterns(_ pattern: String, _ name: String, _ matches: Bool) { #expect(NamePattern(pattern).matches(name) == matches) }
}
