import Engine
import Models
import Tensors
import Testing

/// The plan walks a program as the stepper does, so it must know the same numbers without computing.
struct MemoryPlanTests {
    /// x·w, then its square's row sums: three values whose lives are counted by hand.
    @Test func livesAreCounted() throws {
        var graph = Graph()
        let x = graph.weight("x", Shape((.token, 4), (.feature, 8)))
        let square = graph.apply(Multiply(), [x, x], as: "square")
        let sums = graph.apply(Reduce(.sum), [square], as: "sums")
        graph.apply(Reduce(.sum), [graph.apply(Map(.exp), [sums], as: "exp")], as: "last")
        let plan = MemoryPlan(try Program(graph)) { _ in 128 }
        // square (128 bytes) and sums (16) live together; exp and last are smaller.
        #expect(plan.activations == 144 && plan.weights == 128 && plan.gradients == 0 && plan.peakStep == 1)
    }

    /// Recomputing nothing, the reverse walk reads what the forward made: more than the forward alone, and one gradient a weight.
    @Test func theReverseWalkNeedsMore() throws {
        let model = try Sample.llama.model()
        let pass = Pass(tokens: 16, past: 0, caches: false, loss: true)
        let forward = MemoryPlan(try model.program(pass)) { _ in 0 }
        let both = MemoryPlan(try model.program(pass, leaves: { $0.role == .weight })) { _ in 0 }
        #expect(both.activations > 2 * forward.activations)
        #expect(both.gradients == 4 * 1_320_576)
        #expect(forward.backwardOperations == 0 && forward.forwardOperations == both.forwardOperations)
        // Every product of the forward has two in the reverse walk, but for the first layer's inputs.
        let ratio = Double(both.backwardOperations) / Double(both.forwardOperations)
        #expect(ratio > 1.8 && ratio < 2.2)
    }
}
