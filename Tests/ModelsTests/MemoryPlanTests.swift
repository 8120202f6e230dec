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

    /// What the plan counts is what the stepper holds: never less, and more only by what it holds for a moment within a step.
    @Test(arguments: Checkpointing.allCases) func thePlanIsWhatTheStepperHolds(_ checkpointing: Checkpointing) throws {
        let model = try Sample.llama.model()
        let ids = (0..<24).map { $0 * 37 % 2000 + 3 }
        let program = try model.program(Pass(tokens: ids.count), leaves: { $0.name.hasSuffix("q_proj.weight") })
        var stepper = try model.stepper(program, ids: ids, policy: Policy(), keep: checkpointing.keep)
        var (held, most) = (0, 0)
        for step in program.steps {
            try stepper.step()
            // Inputs that are not read again still lie there while the output is written.
            let output = step.op.isView || program.lastUse[step.output] < 0 ? 0 : program.values[step.output].shape.elementCount * 4
            most = max(most, held + output)
            held = bytes(stepper)
        }
        let plan = MemoryPlan(program, checkpointing) { _ in 0 }
        #expect(plan.activations >= most && Double(plan.activations) < 1.1 * Double(most), "\(plan.activations) for \(most)")
    }

    /// In 16 bits the walk back reads probabilities and capped scores as they were before they were rounded: they are made again, from scores
    /// that may be gone, and lie beside the gradients while a step runs.
    @Test(arguments: ArchitectureTests.Case.all, [Policy.Preset.bf16, .fp16])
    func whatIsMadeAgainIsCounted(_ test: ArchitectureTests.Case, _ preset: Policy.Preset) throws {
        let model = try TinyCheckpoint(test.architecture).model()
        let ids = (0..<31).map { $0 * 5 % 37 }
        let program = try model.program(Pass(tokens: ids.count), leaves: { $0.role == .weight })
        let plan = MemoryPlan(program, policy: Policy(preset)) { _ in 0 }
        var stepper = try model.stepper(program, ids: ids, policy: Policy(preset), keep: .nothing)
        var most = 0
        for step in program.steps {
            most = max(most, bytes(stepper) + 4 * held(step, stepper))
            try stepper.step()
        }
        #expect(plan.activations >= most && Double(plan.activations) < 1.1 * Double(most), "\(plan.activations) for \(most)")
        #expect(MemoryPlan(program) { _ in 0 }.activations <= most)
    }

    /// Numbers that a step holds beside what it finds. First what it reads unrounded is made, from what the run may have dropped; then its
    /// value, while scores' slopes are there behind the cap and times the scale.
    private func held(_ step: Step, _ stepper: Stepper) -> Int {
        let (program, tensors) = (stepper.program, stepper.recording.tensors)
        func count(_ ids: some Sequence<Int>) -> Int {
            ids.filter { program.values[$0].step.map { !program.steps[$0].op.isView } ?? false }.reduce(0) {
                $0 + program.values[$1].shape.elementCount
            }
        }
        let output = program.lastUse[step.output] < 0 ? 0 : count([step.output])
        guard let gradient = step.op as? Gradient else { return output }
        let reads = gradient.derivative.reads.enumerated().filter { $0.element == .unrounded }.map { step.inputs[$0.offset] }
        var (gone, open) = (Set<Int>(), reads.flatMap { program.steps[program.values[$0].step ?? 0].inputs })
        while let id = open.popLast() {
            if tensors[id] == nil, gone.insert(id).inserted { open += program.steps[program.values[id].step ?? 0].inputs }
        }
        guard let slope = step.inputs.last, gradient.op is AttentionScores || gradient.op is AttentionContext else {
            return count(reads) + max(count(gone), output)
        }
        // Of heads that share a key or a value what each sends is rounded, and laid side by side to be added up.
        let shape = program.values[step.output].shape
        let heads = program.values[step.inputs[0]].shape[0]
        let shares = gradient.derivative.input == 1 && heads > shape[0] ? 2 * heads * shape[1] * shape[2] : 0
        guard let scores = gradient.op as? AttentionScores else { return max(count(reads) + count(gone), output + shares) }
        return count(reads) + max(count(gone), (scores.softcap > 0 ? 2 : 1) * count([slope]), count([slope]) + shares + output)
    }

    /// Of the values between the weights and their gradients, views as part of what they show.
    private func bytes(_ stepper: Stepper) -> Int {
        let program = stepper.program
        var held: [ObjectIdentifier: Int] = [:]
        for (id, tensor) in stepper.recording.tensors.enumerated() where program.values[id].step != nil {
            // The loss and the leaves' gradients are results, which the plan does not count as passing.
            if program.lastUse[id] >= 0, case .memory(let buffer)? = tensor?.storage { held[ObjectIdentifier(buffer)] = buffer.byteCount }
        }
        return held.values.reduce(0, +)
    }
}

/// Head and loss in one make the loss and the gradients of the two, without the logits.
struct FusedLossTests {
    @Test(arguments: Sample.allCases) func lossAndGradientsAreThoseOfTwoOps(_ sample: Sample) throws {
        let model = try sample.model()
        let ids = (0..<24).map { $0 * 37 % 2000 + 3 }
        let leaf = "self_attn.q_proj.weight"
        let gpt2Leaf = "attn.c_attn.weight"
        let results = try [false, true].map { fused in
            var pass = Pass(tokens: ids.count)
            pass.fusedLoss = fused
            let program = try model.program(pass, leaves: { $0.name.hasSuffix(leaf) || $0.name.hasSuffix(gpt2Leaf) })
            // Logits with a cap are an op of their own.
            #expect((program.id(of: "logits") == nil) == (fused && sample != .gemma2))
            var stepper = try model.stepper(program, ids: ids, policy: Policy(), keep: .nothing)
            while !stepper.isFinished { try stepper.step() }
            let names = ["loss", "grad:model.layers.2.self_attn.q_proj.weight", "grad:transformer.h.2.attn.c_attn.weight"]
            return try names.compactMap { try program.id(of: $0).flatMap { try stepper.tensor($0)?.doubles() } }
        }
        #expect(results[0].count == 2 && results[1].count == 2)
        for (plain, fused) in zip(results[0], results[1]) {
            let difference = zip(plain, fused).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            #expect(difference / plain.reduce(0) { $0 + $1 * $1 } < 1e-11)
        }
    }
}
