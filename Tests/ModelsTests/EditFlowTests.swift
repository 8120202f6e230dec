import Engine
import Models
import Tensors
import Testing

/// Edits on their way through later passes, the backward and reports.
struct EditFlowTests {
    /// Token by token with the cache, edited values have the bits of the whole text in one pass.
    @Test(arguments: [
        "zero model.layers.2.self_attn.context[head 3]", "scale model.layers.3.mlp[token 4] by 3", "mask L3 hide key 2 query 5:",
        "noise model.layers.1[token 9:] by 0.2 seed 1", "scale model.layers.4.self_attn.k_cache[token 3] by 2",
        "zero model.layers.0.mlp.up_proj.weight[7]",
        "mask * show key 8 query 6",
    ])
    func cachedTokensAreEditedAlike(_ line: String) throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        for keep in [Recording.Keep.nothing, .all(budget: .max)] {
            let edits = EditSet([try Edit(line)])
            var generation = try Generation(
                model: model, prompt: Array(ids.prefix(9)), edits: edits, horizon: 32, policy: Policy(threads: 1), keep: keep)
            while !generation.stepper.isFinished { try generation.stepper.step() }
            for id in ids.dropFirst(9) {
                try generation.append(id)
                while !generation.stepper.isFinished { try generation.stepper.step() }
            }
            var whole = try model.stepper(ids: ids, caches: true, edits: edits, policy: Policy(threads: 2), keep: .all(budget: .max))
            while !whole.isFinished { try whole.step() }
            #expect(try generation.lastLogits() == whole.lastLogits())
        }
    }

    /// Passes that have been made follow an edit of an earlier token through the caches.
    @Test func laterPassesFollow() throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        var passes = [try Generation(model: model, prompt: ids, policy: Policy(), keep: .all(budget: .max))]
        for token in [5, 6] {
            while passes[passes.count - 1].stepper.isFinished == false { try passes[passes.count - 1].stepper.step() }
            var next = passes[passes.count - 1]
            try next.append(token)
            passes.append(next)
        }
        while !passes[2].stepper.isFinished { try passes[2].stepper.step() }
        let edits = EditSet([try Edit("scale model.layers.2.mlp[token 3] by 5")])
        let rerun = try #require(try Generation.rerun(passes, edits))
        var whole = try model.stepper(ids: ids + [5, 6], caches: true, edits: edits, policy: Policy(), keep: .all(budget: .max))
        while !whole.isFinished { try whole.step() }
        #expect(try rerun.passes[2].lastLogits() == whole.lastLogits())
        let back = try #require(try Generation.rerun(rerun.passes, EditSet()))
        #expect(try back.passes[2].lastLogits() == passes[2].lastLogits())
    }

    /// dL/dW under edits against central differences, the weight moved by an edit itself: what was overwritten passes nothing on,
    /// what was scaled passes the scale on, a frozen norm is linear.
    @Test(arguments: [
        "set model.layers.3.mlp[:, 0:64] = 0.3", "scale model.layers.3[token 2:] by 0.4", "zero model.layers.4.self_attn.context[head 2]",
        "mask L4 hide key 0 query 4:", "mask L3 show key 14 query 3:9", "zero model.layers.3.self_attn.probs[head 1]", "freeze model.norm",
        "freeze model.layers.4.input_layernorm",
    ])
    func gradientsGoThroughEdits(_ line: String) throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        let name = "model.layers.3.self_attn.v_proj.weight"
        func finished(_ lines: [String], backward: Bool) throws -> Stepper {
            let edits = EditSet(try lines.map { try Edit($0) })
            var stepper = try model.stepper(
                ids: ids, leaves: backward ? { $0.name == name } : nil, edits: edits, policy: Policy(), keep: .all(budget: .max))
            while !stepper.isFinished { try stepper.step() }
            return stepper
        }
        let gradient = try finished([line], backward: true).floats("grad:\(name)")
        let plain = try finished([], backward: true).floats("grad:\(name)")
        let weight = try finished([], backward: false).floats(name)
        let size = gradient.reduce(0) { $0 + Double($1) * Double($1) }
        let untouched = zip(gradient, plain).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        let places = gradient.indices.sorted { abs(gradient[$0]) > abs(gradient[$1]) }.prefix(6)
        var (found, wanted) = (0.0, 0.0)
        for place in places {
            let cell = "\(name)[\(place / 128), \(place % 128)]"
            let step: Float = 0.01
            let losses = try [weight[place] + step, weight[place] - step].map { moved in
                Double(try finished([line, "set \(cell) = \(moved)"], backward: false).floats("loss")[0])
            }
            found += (losses[0] - losses[1]) / Double(2 * step) * Double(gradient[place])
            wanted += Double(gradient[place]) * Double(gradient[place])
        }
        #expect(abs(found - wanted) < 0.01 * wanted, "\(found) \(wanted)")
        // A gradient that knew nothing of the edit would be another one.
        #expect((untouched / size).squareRoot() > 0.03)
    }

    /// Queries of a head whose probabilities were overwritten change nothing any more; other heads' do.
    @Test func whatWasOverwrittenPassesNothingOn() throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        let name = "model.layers.3.self_attn.q_proj.weight"
        let edits = EditSet([try Edit("zero model.layers.3.self_attn.probs[head 1]")])
        var stepper = try model.stepper(ids: ids, leaves: { $0.name == name }, edits: edits, policy: Policy(), keep: .all(budget: .max))
        while !stepper.isFinished { try stepper.step() }
        let rows = try stepper.floats("grad:\(name)").enumerated()
        #expect(rows.allSatisfy { ($1 == 0) == (16..<32).contains($0 / 128) })
    }

    /// A gradient of a whole backward pass under edits is computed again as from the start.
    @Test(arguments: ["zero model.layers.3.self_attn.probs[head 1]", "mask L3 show key 14 query 3:9", "freeze model.norm"])
    func gradientsAreComputedAgain(_ line: String) throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        var plain = try model.stepper(ids: ids, leaves: { $0.role == .weight }, policy: Policy(), keep: .all(budget: .max))
        while !plain.isFinished { try plain.step() }
        var fresh = try model.stepper(
            ids: ids, leaves: { $0.role == .weight }, edits: EditSet([try Edit(line)]), policy: Policy(), keep: .all(budget: .max))
        while !fresh.isFinished { try fresh.step() }
        let rerun = try EditTests.edited(plain, [line])
        #expect(rerun.stepper.hashes == fresh.hashes)
        #expect(try EditTests.edited(rerun.stepper, []).stepper.hashes == plain.hashes)
    }

    /// A reverse walk that is appended to a finished, edited pass is that of the edited pass.
    @Test(arguments: ["zero model.layers.3.self_attn.probs[head 1]", "mask L3 show key 14 query 3:9", "freeze model.norm"])
    func aWalkAppendedLaterKnowsTheEdits(_ line: String) throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        let edits = EditSet([try Edit(line)])
        var whole = try model.stepper(ids: ids, leaves: { $0.role == .weight }, edits: edits, policy: Policy(), keep: .all(budget: .max))
        while !whole.isFinished { try whole.step() }
        var longer = try EditTests.fresh(.llama, [line]).extended(to: whole.program)
        while !longer.isFinished { try longer.step() }
        #expect(longer.hashes == whole.hashes)
    }

    @Test func theReportSaysWhatChanged() throws {
        let plain = try Sample.llama.model().run(Sample.llama.promptIDs())
        let rerun = try EditTests.edited(plain, ["knock-out L5 attention"])
        let report = try EditReport(
            before: [plain], after: [rerun.stepper], steps: rerun.steps.count, watched: ["model.layers.5", "model.layers.4", "nothing"])
        #expect(try report.lossBefore == Double(plain.floats("loss")[0]))
        #expect(try report.lossAfter == Double(rerun.stepper.floats("loss")[0]))
        #expect(report.changes.map(\.name) == ["model.layers.5", "model.layers.4"])
        let differences = zip(try plain.floats("model.layers.5"), try rerun.stepper.floats("model.layers.5")).map {
            Double($0) - Double($1)
        }
        #expect(report.changes[0].maximum == differences.map(abs).max())
        #expect(abs(report.changes[0].norm - differences.reduce(0) { $0 + $1 * $1 }.squareRoot()) < 1e-9)
        #expect(report.changes[1].maximum == 0)
        let logits = try #require(try rerun.stepper.lastLogits())
        #expect(report.tokens.first?.id == logits.indices.max { logits[$0] < logits[$1] })
        #expect(report.tokens.map(\.after) == report.tokens.map(\.after).sorted(by: >) || report.tokens.count > 5)
    }

    /// What watches a run that is computed again sees each step that it takes, and at the end all of it.
    @Test func aRerunIsSeenAsItGrows() throws {
        let model = try Sample.llama.model()
        var pass = try Generation(model: model, prompt: Sample.llama.promptIDs(), policy: Policy(), keep: .all(budget: .max))
        while !pass.stepper.isFinished { try pass.stepper.step() }
        var seen: [Renewal] = []
        let rerun = try #require(
            try Generation.rerun(
                [pass], EditSet([try Edit("knock-out L2 mlp")]),
                progress: { run, renewal in
                    seen.append(renewal)
                    #expect(run.isFinished)
                }))
        #expect(seen == (1...rerun.steps).map { Renewal(done: $0, total: rerun.steps) })
        var cursors: [Int] = []
        let other = try model.with(quirks: ["rope-quotient"])
        let carried = try #require(try Generation.carried([pass], to: other, progress: { cursors.append($0.cursor) }))
        #expect(!cursors.isEmpty && cursors.count == carried.steps && cursors == cursors.sorted() && cursors.last == pass.stepper.cursor)
    }

    @Test func anInterruptedRerunChangesNothing() throws {
        let plain = try Sample.llama.model().run(Sample.llama.promptIDs())
        var asked = 0
        let rerun = try plain.rerun(EditSet([try Edit("knock-out L2 mlp")])) {
            asked += 1
            return asked > 3
        }
        #expect(rerun == nil && plain.edits.isEmpty)
    }
}
