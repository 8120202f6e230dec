import Engine
import Models
import Tensors
import Testing

/// Looking changes no bit: the hash of every value of a trained model is the same however the run came about and whoever watched.
struct LookingTests {
    @Test(arguments: Sample.allCases) func threadsChangeNothing(_ sample: Sample) throws {
        let (model, ids) = (try sample.model(), try sample.promptIDs())
        let one = try model.run(ids, threads: 1).hashes
        #expect(one.count > 50)
        for threads in [2, 3, 8] { #expect(try model.run(ids, threads: threads).hashes == one) }
    }

    /// A negative control: one weight's last bit is enough to be seen.
    @Test func oneBitOfOneInputIsSeen() throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        let plain = try model.run(ids)
        let program = plain.program
        let norm = try #require(program.id(of: "model.layers.2.input_layernorm"))
        let target = try #require(program.id(of: "logits"))
        var values = try plain.floats("model.layers.2.input_layernorm")
        let shape = program.values[norm].shape
        let logits = try plain.floats("logits")
        let same = try plain.replay(to: target, replacing: norm, by: Tensor(shape, values)).floats() == logits
        #expect(same)
        values[7] = values[7].nextUp
        let other = try plain.replay(to: target, replacing: norm, by: Tensor(shape, values)).floats() == logits
        #expect(!other)
    }

    @Test(arguments: Sample.allCases, [1, 2]) func steppingBackAndForth(_ sample: Sample, threads: Int) throws {
        let (model, ids) = (try sample.model(), try sample.promptIDs())
        let free = try model.run(ids, threads: 1).hashes
        var stepper = try model.stepper(ids: ids, policy: Policy(threads: threads), keep: .all(budget: .max))
        var random = SplitMix(seed: 5)
        while !stepper.isFinished {
            try stepper.step()
            // Now and then a few steps back, once in a while nearly all.
            let dice = random.centred()
            if dice > 1.2 { for _ in 0..<4 { stepper.stepBack() } }
            if dice < -1.7 { for _ in 0..<stepper.cursor / 2 { stepper.stepBack() } }
        }
        #expect(stepper.hashes == free)
        for _ in 0..<stepper.program.steps.count { stepper.stepBack() }
        #expect(stepper.hashes.isEmpty)
        _ = try stepper.run(to: .end)
        #expect(stepper.hashes == free)
    }

    /// Values that were dropped are computed again with the same bits.
    @Test(arguments: Sample.allCases, [0, 100_000]) func evictedValuesComeBack(_ sample: Sample, budget: Int) throws {
        let (model, ids) = (try sample.model(), try sample.promptIDs())
        let free = try model.run(ids).hashes
        let run = try model.run(ids, keep: .all(budget: budget))
        #expect(run.hashes == free)
        var evicted = 0
        for step in run.program.steps {
            if run.recording.tensors[step.output] == nil { evicted += 1 }
            let tensor = try #require(try run.tensor(step.output))
            #expect(try Statistics(of: tensor, threads: 2).hash == free[run.program.values[step.output].name])
        }
        #expect(evicted > 30)
    }

    @Test(arguments: Sample.allCases) func watching(_ sample: Sample) throws {
        let (model, ids) = (try sample.model(), try sample.promptIDs())
        let free = try model.run(ids)
        var stops = Stops()
        stops.breakpoints = [Breakpoint(NamePattern("probs")), Breakpoint(NamePattern("*.3.*"))]
        stops.watchpoints = [
            Watchpoint(NamePattern("*"), .nonFinite), Watchpoint(NamePattern("*"), .absMax(over: 20)),
            Watchpoint(NamePattern("*"), .std(over: 2)), Watchpoint(NamePattern("*"), .changed(by: 0)),
        ]
        stops.baseline = free
        var stepper = try model.stepper(ids: ids, policy: Policy(), keep: .all(budget: 200_000))
        var count = 0
        while !stepper.isFinished {
            _ = try stepper.run(to: .end, stops: stops)
            count += 1
            try LookingTests.look(at: stepper)
        }
        #expect(count > 20)
        #expect(stepper.hashes == free.hashes)
        #expect(try LogitLens(stepper, positions: 0..<ids.count, count: 3) != nil)
        #expect(stepper.hashes == free.hashes)
    }

    /// Everything that a screen asks for.
    static func look(at stepper: Stepper) throws {
        guard stepper.cursor > 0 else { return }
        let id = stepper.program.steps[stepper.cursor - 1].output
        let tensor = try #require(try stepper.tensor(id))
        let origin = tensor.shape.counts.map { _ in 0 }
        _ = try stepper.lineage(of: id, at: origin)
        _ = try stepper.uses(of: id, at: origin, limit: 4)
        _ = try tensor.histogram(low: -3, high: 3, bins: 20, threads: 2)
        if tensor.shape.rank == 2 { _ = Pooled(tensor, rows: 10, columns: 10, threads: 2) }
        guard var inner = try stepper.expansion(of: id, at: origin) else { return }
        _ = try inner.stepper.run(to: .end)
    }

    /// What "step into" ends at is the number in the cell, for every op of the trained model.
    @Test(arguments: Sample.allCases) func steppingIntoEndsAtTheCell(_ sample: Sample) throws {
        let run = try sample.model().run(try sample.promptIDs())
        var chains = 0
        for step in run.program.steps where run.program.values[step.output].layer == 4 || run.program.values[step.output].layer == nil {
            let shape = run.program.values[step.output].shape
            // Neither the first row nor the first column.
            let position = shape.elementCount * 5 / 7
            let index = shape.index(at: position)
            guard var inner = try run.expansion(of: step.output, at: index) else { continue }
            _ = try inner.stepper.run(to: .end)
            let result = try #require(try inner.stepper.tensor(inner.result))
            let found = result.floats()[result.elementCount == 1 ? 0 : position]
            let expected = try run.floats(run.program.values[step.output].name)[position]
            if step.op is Linear || step.op is AttentionScores || step.op is AttentionContext {
                #expect(found == expected, "\(run.program.values[step.output].name)")
                chains += 1
            } else {
                #expect(abs(found - expected) <= 1e-5 * max(1, abs(expected)), "\(run.program.values[step.output].name)")
            }
        }
        #expect(chains >= 6)
    }
}
