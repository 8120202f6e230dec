import Engine
import Models
import StrictJSON
import Tensors
import Testing

/// Gradients of whole models: against PyTorch, against central differences in fp64, and whoever looks at them.
struct ModelGradientTests {
    static let modes = Checkpointing.allCases.map(\.keep)

    /// Normalised mean squared error, estimated from the elements that were written down. Each sum is one fp32 chain here and blocked
    /// there: against the same walk in fp64 the worst gradient of these samples is 1.6e-9 off (PyTorch's own 7e-11), most of it from
    /// the 2048 terms of dX = dY · W in the head.
    @Test(arguments: Sample.allCases) func gradientsAreThoseOfPyTorch(_ sample: Sample) throws {
        let golden = try sample.goldenGradients()
        let run = try sample.model().run(try #require(golden["input_ids"]?.integers), backward: true)
        let gradients = try #require(golden["gradients"]?.object)
        #expect(run.program.weights.allSatisfy { id in gradients.members.contains { $0.key == run.program.values[id].name } })
        #expect(gradients.members.count > run.program.weights.count + 20)
        for (name, expected) in gradients.members {
            let expected = try #require(expected.object)
            let found = try run.floats("grad:\(name)")
            #expect(found.count == expected["shape"]?.integers?.reduce(1, *), "\(name)")
            let rms = try #require(expected["rms"]?.number?.double)
            let square = found.reduce(0) { $0 + Double($1) * Double($1) } / Double(found.count)
            #expect(abs(square.squareRoot() - rms) <= 3e-5 * rms, "\(name): rms \(square.squareRoot()), not \(rms)")
            let (positions, elements) = (expected["positions"]?.integers ?? [], expected["elements"]?.doubles ?? [])
            #expect(positions.count >= 11 && positions.count == elements.count)
            let error = zip(positions, elements).reduce(0) { $0 + (Double(found[$1.0]) - $1.1) * (Double(found[$1.0]) - $1.1) }
            // The largest element is among them: in a gradient that has few large ones it outweighs the mean square.
            let size = max(elements.reduce(0) { $0 + $1 * $1 }, Double(positions.count) * rms * rms)
            #expect(error <= 3e-9 * size, "\(name): \(error / size)")
        }
    }

    @Test(arguments: Sample.allCases) func lookingChangesNoBit(_ sample: Sample) throws {
        let (model, ids) = (try sample.model(), Array(try sample.promptIDs().prefix(8)))
        let free = try model.run(ids, threads: 1, backward: true)
        #expect(free.hashes.keys.count { $0.hasPrefix("grad:") } > 100)
        #expect(try model.run(ids, threads: 2, backward: true).hashes == free.hashes)
        var stepper = try model.stepper(ids: ids, leaves: { $0.role == .weight }, policy: Policy(threads: 2), keep: .all(budget: 100_000))
        var stops = Stops()
        stops.breakpoints = [Breakpoint(NamePattern("grad:*.3.*")), Breakpoint(NamePattern("grad:*probs"))]
        stops.watchpoints = [
            Watchpoint(NamePattern("*"), .nonFinite), Watchpoint(NamePattern("grad:*"), .absMax(over: 0.5)),
            Watchpoint(NamePattern("grad:*"), .normGrew(over: 1.2)), Watchpoint(NamePattern("grad:*"), .changed(by: 0)),
        ]
        stops.baseline = free
        var count = 0
        while !stepper.isFinished {
            _ = try stepper.run(to: .end, stops: stops)
            count += 1
            try LookingTests.look(at: stepper)
            // Now and then a few steps back, at the boundary further.
            if count % 5 == 0 { for _ in 0..<3 { stepper.stepBack() } }
            if count == 12 { while stepper.cursor > stepper.program.forwardCount - 5 { stepper.stepBack() } }
        }
        #expect(count > 20)
        #expect(stepper.hashes == free.hashes)
    }

    @Test(arguments: Sample.allCases, ModelGradientTests.modes) func checkpointingChangesNoBit(_ sample: Sample, _ keep: Recording.Keep)
        throws
    {
        let (model, ids) = (try sample.model(), Array(try sample.promptIDs().prefix(6)))
        let whole = try model.run(ids, threads: 1, backward: true)
        for threads in [1, 2] {
            let run = try model.run(ids, threads: threads, keep: keep, backward: true)
            for id in run.program.weights {
                let name = "grad:\(run.program.values[id].name)"
                let same = try run.floats(name).map(\.bitPattern) == whole.floats(name).map(\.bitPattern)
                #expect(same, "\(name)")
            }
            #expect((run.recording.recomputed > 0) == (keep != .nothing))
            #expect(run.recording.peakByteCount < whole.recording.peakByteCount)
        }
    }

    /// The shares of a gradient add up to it, for every op of a model.
    @Test(arguments: Sample.allCases) func lineageAddsUp(_ sample: Sample) throws {
        let run = try sample.model().run(Array(try sample.promptIDs().prefix(8)), backward: true)
        for step in run.program.steps[(run.program.forwardCount + 1)...] {
            let value = run.program.values[step.output]
            guard value.layer == 4 || value.layer == nil else { continue }
            for position in [0, value.shape.elementCount * 5 / 7] {
                let lineage = try #require(try run.lineage(of: step.output, at: value.shape.index(at: position)))
                let sum = lineage.sources.reduce(0) { $0 + $1.term }
                let size = lineage.sources.reduce(1e-9) { $0 + abs($1.term) }
                #expect(abs(sum - lineage.number) <= 1e-5 * size, "\(value.name): \(sum), not \(lineage.number)")
            }
        }
    }

    /// "Step into" a gradient of a trained model ends at its bits where it is one chain of fused multiply-adds.
    @Test(arguments: Sample.allCases) func steppingIntoEndsAtTheCell(_ sample: Sample) throws {
        let run = try sample.model().run(Array(try sample.promptIDs().prefix(8)), backward: true)
        var chains = 0
        for step in run.program.steps[run.program.forwardCount...] where run.program.values[step.output].layer == 4 {
            let value = run.program.values[step.output]
            let position = value.shape.elementCount * 5 / 7
            guard var inner = try run.expansion(of: step.output, at: value.shape.index(at: position)) else { continue }
            _ = try inner.stepper.run(to: .end)
            let result = try #require(try inner.stepper.tensor(inner.result)).floats()
            let (found, expected) = (result[result.count == 1 ? 0 : position], try run.floats(value.name)[position])
            if let gradient = step.op as? Gradient, gradient.op is Linear, gradient.derivative.input < 2 {
                #expect(found == expected, "\(value.name)")
                chains += 1
            } else {
                #expect(abs(found - expected) <= 1e-5 * max(1, abs(expected)), "\(value.name)")
            }
        }
        #expect(chains >= 8)
    }
}

/// The whole model in fp64: the loss moves as the gradient says. The tolerances of torch.autograd.gradcheck, and narrower.
struct GradcheckTests {
    private static func checks(_ architecture: Architecture, count: Int) throws -> [GradientCheck] {
        let model = try TinyCheckpoint(architecture).model()
        let walk = try model.run([5, 11, 2, 36, 11], backward: true)
        let checker = try #require(try GradientChecker(walk))
        var random = SplitMix64(state: 7)
        return try walk.program.values.indices.filter { walk.program.gradient(of: $0) != nil }.flatMap { id in
            try checker.elements(of: id, count: count, random: &random).map { try #require(try checker.check(id, at: $0)) }
        }
    }

    @Test(arguments: ArchitectureTests.Case.all) func theLossMovesAsTheGradientSays(_ test: ArchitectureTests.Case) throws {
        let checks = try Self.checks(test.architecture, count: 2)
        #expect(checks.count > 100)
        for check in checks {
            #expect(abs(check.double - check.quotient) <= 1e-5 + 1e-3 * abs(check.quotient))
            #expect(check.passes, "\(check)")
        }
        // A gradient that is 1 % off in one element is seen, by either walk.
        for check in checks where abs(check.double) == check.scale && check.scale > 1e-6 {
            for (single, double) in [(1.01, 1.0), (1.0, 1.01)] {
                let wrong = GradientCheck(
                    value: check.value, index: check.index, single: check.single * single, double: check.double * double,
                    quotient: check.quotient, scale: check.scale)
                #expect(!wrong.passes)
            }
        }
        #expect(checks.count { abs($0.double) == $0.scale && $0.scale > 1e-6 } > 50)
    }

    /// The same seed draws the same elements, the largest gradient among them; another seed draws others.
    @Test func elementsAreDrawnBySeed() throws {
        let walk = try TinyCheckpoint(.llama).model().run([5, 11, 2], backward: true)
        let checker = try #require(try GradientChecker(walk))
        let id = try #require(walk.program.id(of: "model.layers.1.mlp.up_proj.weight"))
        let draws = [UInt64(3), 3, 4].map { seed in
            var random = SplitMix64(state: seed)
            return checker.elements(of: id, count: 6, random: &random)
        }
        #expect(draws[0] == draws[1] && draws[0] != draws[2] && draws[0].count == 6 && draws[0][0] == draws[2][0])
        let gradient = try walk.floats("grad:model.layers.1.mlp.up_proj.weight")
        #expect(abs(gradient[draws[0][0]]) == gradient.map(abs).max())
    }

    /// Moving one element changes what follows from it and leaves the rest: two ways to the same number.
    @Test func onlyWhatFollowsIsComputedAgain() throws {
        let model = try TinyCheckpoint(.llama).model()
        let program = try model.program(Pass(tokens: 3))
        let walk = try model.run([5, 11, 2])
        var bindings = Dictionary(
            uniqueKeysWithValues: program.values.indices.compactMap { id in
                program.values[id].step == nil ? walk.recording.tensors[id].map { (id, $0) } : nil
            })
        let exact = try Evaluation(program, bindings: bindings)
        let (loss, weight) = (try #require(program.id(of: "loss")), try #require(program.id(of: "model.layers.1.mlp.up_proj.weight")))
        #expect(abs(exact.values[loss].values[0] - Double(try walk.floats("loss")[0])) < 1e-6)
        var values = try #require(bindings[weight]).floats()
        values[11] += 0.5
        bindings[weight] = try Tensor(program.values[weight].shape, values)
        let step = Double(values[11]) - exact.values[weight].values[11]
        let again = try Evaluation(program, bindings: bindings).values[loss].values[0]
        #expect(abs(exact.number(loss, moving: weight, at: 11, by: step) - again) < 1e-14)
        #expect(again != exact.values[loss].values[0])
    }
}
