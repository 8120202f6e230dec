import Engine
import Tensors
import Testing

/// Three layers of which the second's matrix is large, walked back from the sum of the last.
private enum Walk {
    static func stepper(gain: Float = 1, poison: Bool = false) throws -> Stepper {
        var graph = Graph()
        var x = graph.weight("start", Shape((.token, 2), (.feature, 4)))
        x = graph.apply(Add(), [x, x], as: "embed", role: .residual)
        for layer in 0..<3 {
            x = graph.module("layers.\(layer)") { graph in
                let act = graph.apply(Activation(.tanh), [x], as: "mlp.act")
                let down = graph.linear(act, "mlp.down", output: Axis(.feature, 4))
                return graph.apply(Add(), [x, down], as: "", role: .residual)
            }
        }
        let rows = graph.apply(Reduce(.sum), [x], as: "rows")
        graph.differentiate(graph.apply(Cell(prefix: [1, 0]), [rows], as: "loss"), leaves: { $0.role == .weight })
        let program = try Program(graph)
        var noise = Noise(seed: 3)
        var bindings: [Int: Tensor] = [:]
        for id in program.weights {
            let values = try noise.tensor(.normal(program.values[id].shape)).floats()
            let factor = program.values[id].name == "layers.1.mlp.down.weight" ? gain : 0.2
            bindings[id] = try Tensor(program.values[id].shape, values.map { $0 * factor })
        }
        if poison, let id = program.id(of: "layers.1.mlp.down.weight") {
            bindings[id] = try Tensor(Shape((.output, 4), (.input, 4)), (0..<16).map { $0 == 6 ? 3e38 : 1e38 })
        }
        return try Stepper(program, policy: Policy(threads: 1), keep: .all(budget: .max), bindings: bindings)
    }

    static func watch(_ stepper: inout Stepper, _ pattern: String, _ condition: Watchpoint.Condition) throws -> Stop {
        var stops = Stops()
        stops.watchpoints = [Watchpoint(NamePattern(pattern), condition)]
        return try stepper.run(to: .end, stops: stops)
    }
}

/// Stops and goals on the way back are those of the way forward.
struct ReverseWalkTests {
    @Test func theForwardPassHasAnEnd() throws {
        var stepper = try Walk.stepper()
        for _ in 0..<2 {
            guard case .reached = try stepper.run(to: .forwardEnd) else { Issue.record("went on"); return }
            #expect(stepper.cursor == stepper.program.forwardCount)
        }
        #expect(stepper.next == stepper.program.id(of: "grad:loss"))
        guard case .finished = try stepper.run(to: .end) else { Issue.record("did not finish"); return }
    }

    @Test func breakpointsStopBeforeAGradient() throws {
        var stepper = try Walk.stepper()
        var stops = Stops()
        stops.breakpoints = [Breakpoint(NamePattern("grad:layers.*.mlp.act"))]
        for layer in [2, 1, 0] {
            guard case .breakpoint(_, let value) = try stepper.run(to: .end, stops: stops) else { Issue.record("no stop"); return }
            #expect(stepper.program.values[value].name == "grad:layers.\(layer).mlp.act")
            #expect(!stepper.isComputed(value) && stepper.next == value)
        }
        guard case .finished = try stepper.run(to: .end, stops: stops) else { Issue.record("a fourth stop"); return }
    }

    /// The layer whose op is walked back, not the one whose value the gradient belongs to.
    @Test func layersAreWalkedBackOneByOne() throws {
        var stepper = try Walk.stepper()
        _ = try stepper.run(to: .forwardEnd)
        _ = try stepper.run(to: .layer(1))
        #expect(stepper.program.site(ofStep: stepper.cursor) == "grad:layers.1")
        _ = try stepper.run(to: .layer(0))
        #expect(stepper.program.site(ofStep: stepper.cursor) == "grad:layers.0")
        let act = try #require(stepper.program.id(of: "grad:layers.0.mlp.act"))
        _ = try stepper.run(to: .before(act))
        _ = try stepper.run(to: .overBlock)
        #expect(stepper.program.block(ofStep: stepper.cursor) != "grad:layers.0.mlp")
    }

    @Test func aLargeGradientStops() throws {
        var free = try Walk.stepper()
        _ = try free.run(to: .end)
        let id = try #require(free.program.id(of: "grad:layers.0.mlp.act"))
        let top = try #require(free.statistics(id)?.absMax)
        for (limit, stops) in [(top * 0.99, true), (top, false)] {
            var stepper = try Walk.stepper()
            let stop = try Walk.watch(&stepper, "grad:layers.0.mlp.act", .absMax(over: limit))
            if case .watchpoint(_, let value, _, let found) = stop {
                #expect(stops && value == id && Float(found) == top)
            } else {
                #expect(!stops)
            }
        }
    }

    @Test func aGradientThatIsNotFiniteStops() throws {
        var stepper = try Walk.stepper(poison: true)
        _ = try stepper.run(to: .forwardEnd)
        guard case .watchpoint(_, let value, _, let found) = try Walk.watch(&stepper, "grad:*", .nonFinite) else {
            Issue.record("no stop")
            return
        }
        #expect(stepper.program.values[value].name == "grad:layers.1.mlp.act" && !found.isFinite)
    }

    /// The norm of a layer's gradient against the next layer's, and of a layer's stream against the one before.
    @Test func aNormThatGrowsStops() throws {
        var quiet = try Walk.stepper()
        guard case .finished = try Walk.watch(&quiet, "*", .normGrew(over: 10)) else { Issue.record("a stop"); return }
        let norms = try ["grad:layers.0", "grad:layers.1"].map { name in
            let id = try #require(quiet.program.id(of: name))
            return try #require(quiet.statistics(id)).norm
        }
        var exact = try Walk.stepper()
        guard
            case .watchpoint(_, let value, _, let ratio) = try Walk.watch(
                &exact, "grad:layers.0", .normGrew(over: norms[0] / norms[1] * 0.999))
        else { Issue.record("no stop"); return }
        #expect(exact.program.values[value].name == "grad:layers.0" && ratio == norms[0] / norms[1])

        var loud = try Walk.stepper(gain: 60)
        guard case .watchpoint(let point, let grown, let index, _) = try Walk.watch(&loud, "grad:*", .normGrew(over: 10)) else {
            Issue.record("no stop")
            return
        }
        // Layer 1 reads what layer 0 made.
        #expect(loud.program.values[grown].name == "grad:layers.0" && index.count == 2)
        #expect(point.description == "norm of grad:* grew more than 10.0× in one layer")
        var forward = try Walk.stepper(gain: 60)
        guard case .watchpoint(_, let stream, _, _) = try Walk.watch(&forward, "*", .normGrew(over: 10)) else {
            Issue.record("no stop"); return
        }
        #expect(forward.program.values[stream].name == "layers.1")
    }

    @Test func gradientsHaveStatistics() throws {
        var stepper = try Walk.stepper()
        _ = try stepper.run(to: .end)
        for step in stepper.program.steps[stepper.program.forwardCount...] {
            let statistics = try #require(stepper.statistics(step.output))
            let values = try #require(try stepper.tensor(step.output)).floats()
            let norm = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(statistics.norm - norm) <= 1e-12 * norm && statistics.hash != 0)
        }
    }
}
