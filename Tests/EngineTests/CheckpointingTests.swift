import Engine
import Tensors
import Testing

/// A stack of equal layers with tied tables and a loss, walked back.
private enum Stack {
    static let tokens = 6
    static let width = 8

    static func program(layers: Int, backward: Bool = true, leaves: NamePattern = NamePattern("*")) throws -> Program {
        var graph = Graph()
        let ids = graph.input("ids", Shape((.token, tokens)))
        let targets = graph.input("targets", Shape((.token, tokens)))
        let table = graph.weight("embed.weight", Shape((.vocabulary, 7), (.feature, width)))
        var x = graph.apply(Embedding(), [ids, table], as: "embed", role: .residual)
        // Read by every layer, like a table of angles.
        let gain = graph.apply(Activation(.tanh), [graph.weight("gain.weight", Shape((.token, tokens), (.feature, width)))], as: "gain")
        for layer in 0..<layers { x = graph.module("layers.\(layer)") { self.layer(&$0, x, gain) } }
        let logits = graph.linear(x, "head", output: Axis(.vocabulary, 7), weight: table)
        let losses = graph.apply(CrossEntropy(), [logits, targets], as: "loss.tokens")
        let loss = graph.apply(Mean(), [losses, targets], as: "loss")
        if backward { graph.differentiate(loss, leaves: { $0.role == .weight && leaves.matches($0.name) }) }
        return try Program(graph)
    }

    private static func layer(_ graph: inout Graph, _ x: Node, _ gain: Node) -> Node {
        let norm = graph.apply(RMSNorm(epsilon: 1e-5), [x, graph.weight("norm.weight", Shape((.feature, width)))], as: "norm")
        let up = graph.linear(norm, "mlp.up", output: Axis(.feature, 16))
        let act = graph.apply(Activation(.silu), [up], as: "mlp.act")
        let down = graph.linear(act, "mlp.down", output: Axis(.feature, width))
        let middle = graph.apply(Add(), [x, down], as: "resid_mid", role: .residual)
        let gated = graph.apply(Multiply(), [middle, gain], as: "gated")
        return graph.apply(Add(), [middle, gated], as: "", role: .residual)
    }

    static func stepper(layers: Int, keep: Recording.Keep, threads: Int = 1, backward: Bool = true, leaves: NamePattern = NamePattern("*"))
        throws -> Stepper
    {
        let program = try program(layers: layers, backward: backward, leaves: leaves)
        var noise = Noise(seed: 42)
        var bindings: [Int: Tensor] = [:]
        for (id, value) in program.values.enumerated() where value.step == nil {
            bindings[id] = try value.role == .weight ? noise.tensor(.normal(value.shape)) : Tensor(ids: [1, 4, 2, 6, 0, 3])
        }
        return try Stepper(program, policy: Policy(threads: threads), keep: keep, bindings: bindings)
    }

    static func finished(layers: Int, keep: Recording.Keep, threads: Int = 1) throws -> Stepper {
        var stepper = try stepper(layers: layers, keep: keep, threads: threads)
        _ = try stepper.run(to: .end)
        return stepper
    }

    static func gradients(_ stepper: Stepper) throws -> [[Float]] {
        try stepper.program.weights.map { id in
            let gradient = try #require(stepper.program.gradient(of: id))
            return try #require(try stepper.tensor(gradient)).floats()
        }
    }
}

struct CheckpointingTests {
    static let modes: [Recording.Keep] = Checkpointing.allCases.map(\.keep) + [.all(budget: 0), .all(budget: .max)]

    @Test(arguments: CheckpointingTests.modes, [1, 2]) func gradientsHaveTheSameBits(_ keep: Recording.Keep, threads: Int) throws {
        let expected = try Stack.gradients(Stack.finished(layers: 7, keep: .all(budget: .max)))
        #expect(expected.allSatisfy { $0.contains { $0 != 0 } })
        #expect(try Stack.gradients(Stack.finished(layers: 7, keep: keep, threads: threads)) == expected)
    }

    /// Of a layer's seven ops the walk reads the results of norm, up, act and resid_mid; down leads to resid_mid, and the last two are
    /// needed only if the layer is not the segment's last: 9 · 5, and 3 · (7 + 7 + 5) in segments of three. Only norm and act are light: 9 · 2.
    @Test(arguments: [(Checkpointing.none, 0), (.layer, 45), (.sqrt, 57), (.light, 18)])
    func everyOpRunsAgainAtMostOnce(_ checkpointing: Checkpointing, expected: Int) throws {
        #expect(try Stack.finished(layers: 9, keep: checkpointing.keep).recording.recomputed == expected)
    }

    /// Layers that the division leaves over belong to the part that stays.
    @Test func theRestStays() throws {
        #expect(try Stack.finished(layers: 7, keep: Checkpointing.sqrt.keep).recording.recomputed == 2 * (7 + 7 + 5))
        // With one layer the gain lies in the only segment and is no longer shared.
        #expect(try Stack.finished(layers: 1, keep: Checkpointing.sqrt.keep).recording.recomputed == 6)
    }

    /// With the matrices frozen a layer leaves two values to the walk, `mlp.up` of two rows' width and its residual of one. What waits at
    /// the end of the forward pass: of L layers 3·L rows, or L, or √L; behind it at most one segment's 2 more a layer come back.
    @Test func memoryIsWhatTheModeSays() throws {
        let unit = Stack.tokens * Stack.width * 4
        var peaks: [Int] = []
        for (keep, waiting) in [(Checkpointing.none, 49 * 3), (.layer, 49), (.sqrt, 7)] {
            var stepper = try Stack.stepper(layers: 49, keep: keep.keep, leaves: NamePattern("embed.weight"))
            _ = try stepper.run(to: .forwardEnd)
            // Besides: the embedding, the gain, the logits and the losses.
            let others = 2 * unit + Stack.tokens * 7 * 4
            #expect((0..<256).contains(stepper.recording.byteCount - waiting * unit - others), "\(keep)")
            _ = try stepper.run(to: .end)
            peaks.append(stepper.recording.peakByteCount)
        }
        #expect(peaks[0] > 49 * 3 * unit && peaks[1] < (49 + 10) * unit && peaks[2] < (7 + 7 * 3 + 8) * unit)
        #expect(peaks[0] > peaks[1] && peaks[1] > peaks[2])
    }

    /// Memory that two values share is counted once, and when both are gone it is gone.
    @Test func sharedMemoryIsCountedOnce() throws {
        var stepper = try Stack.stepper(layers: 2, keep: .all(budget: .max))
        var bytes = [stepper.recording.byteCount]
        while !stepper.isFinished {
            let id = try stepper.step()
            let isView = stepper.program.values[id].step.map { stepper.program.steps[$0].op.isView } ?? false
            bytes.append(stepper.recording.byteCount)
            let added = bytes[bytes.count - 1] - bytes[bytes.count - 2]
            #expect(added == (isView ? 0 : stepper.program.values[id].shape.elementCount * 4))
        }
        for expected in bytes.reversed() {
            #expect(stepper.recording.byteCount == expected)
            stepper.stepBack()
        }
    }

    /// Back over the end of the forward pass and forth again, wherever the cursor stood.
    @Test(arguments: CheckpointingTests.modes) func steppingBackOverTheBoundary(_ keep: Recording.Keep) throws {
        let expected = try Stack.gradients(Stack.finished(layers: 4, keep: .all(budget: .max)))
        var stepper = try Stack.stepper(layers: 4, keep: keep)
        let boundary = stepper.program.forwardCount
        for stop in [boundary + 1, boundary + 9, boundary + 30] {
            while stepper.cursor < stop { try stepper.step() }
            while stepper.cursor > boundary - 3 { stepper.stepBack() }
        }
        _ = try stepper.run(to: .end)
        #expect(try Stack.gradients(stepper) == expected)
    }

    /// A forward run goes on as the run with a reverse walk, and nothing is computed twice where everything was kept.
    @Test(arguments: CheckpointingTests.modes) func aForwardRunIsExtended(_ keep: Recording.Keep) throws {
        let whole = try Stack.finished(layers: 4, keep: .all(budget: .max))
        var forward = try Stack.stepper(layers: 4, keep: keep, backward: false)
        _ = try forward.run(to: .end)
        var longer = try forward.extended(to: whole.program)
        #expect(longer.cursor == whole.program.forwardCount && !longer.isFinished)
        for id in forward.program.values.indices {
            #expect(longer.recording.tensors[id]?.bytes.baseAddress == forward.recording.tensors[id]?.bytes.baseAddress)
            #expect(longer.statistics(id) == forward.statistics(id))
        }
        _ = try longer.run(to: .end)
        #expect(try Stack.gradients(longer) == Stack.gradients(whole))
        #expect(throws: BindingError.self) { try longer.extended(to: forward.program) }
    }
}
