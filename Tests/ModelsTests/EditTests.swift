import Engine
import Foundation
import Models
import Tensors
import Testing

/// Edits on the bundled models.
struct EditTests {
    /// One of each kind, in the names of each architecture.
    static func lines(_ sample: Sample) -> [String] {
        let (model, attention, norm) =
            sample != .gpt2 ? ("model.layers", "self_attn", "model.norm") : ("transformer.h", "attn", "transformer.ln_f")
        let weight = sample != .gpt2 ? "model.layers.2.mlp.up_proj.weight" : "transformer.h.2.mlp.c_fc.weight"
        return [
            "set \(model).3.mlp[5, 17] = 4", "zero \(model).2.\(attention).context[head 3]", "scale \(model).4[token 2:5] by 0.5",
            "noise \(model).1[token -1] by 0.3 seed 9", "freeze \(norm)", "mask L3H2 hide key 4 query 9", "mask L2 show key 12 query 5",
            "mask * hide key 0 query 3:", "knock-out L4H1", "knock-out L3 mlp", "knock-out L1 attention", "zero \(weight)[3, :]",
            "set input_ids[4] = 77", "scale \(model).0.\(attention).q[head 1] by 3", "zero logits[token 3]", "zero *.mlp[token 7]",
            "shift \(model).1[token 3] by 0.25",
        ]
    }

    static let cases = Sample.allCases.flatMap { sample in lines(sample).map { (sample, $0) } }

    static func edited(_ stepper: Stepper, _ lines: [String], runs: [String: EditRun] = [:]) throws -> Rerun {
        try #require(try stepper.rerun(EditSet(lines.map { try Edit($0) }, runs: runs)))
    }

    static func fresh(_ sample: Sample, _ lines: [String], budget: Int = .max) throws -> Stepper {
        let (model, ids) = (try sample.model(), try sample.promptIDs())
        let edits = EditSet(try lines.map { try Edit($0) })
        var stepper = try model.stepper(ids: ids, edits: edits, policy: Policy(threads: 2), keep: .all(budget: budget))
        while !stepper.isFinished { try stepper.step() }
        return stepper
    }

    // MARK: live switches

    /// What lies downstream is computed again and nothing else; the same edits from the start, and none, give the same bits.
    @Test(arguments: cases) func onlyWhatFollowsIsComputedAgain(_ sample: Sample, _ line: String) throws {
        let plain = try sample.model().run(sample.promptIDs())
        let rerun = try Self.edited(plain, [line])
        let (before, after) = (plain.hashes, rerun.stepper.hashes)
        let ran = Set(rerun.steps.map { plain.program.values[plain.program.steps[$0].output].name })
        #expect(before.keys.allSatisfy { ran.contains($0) || before[$0] == after[$0] })
        #expect(rerun.steps.count < plain.program.steps.count)
        // A frozen norm alone may keep every bit.
        let logits = plain.program.values[try #require(plain.program.id(of: "logits"))].name
        #expect(before[logits] != nil && (before[logits] != after[logits] || line.hasPrefix("freeze")))
        #expect(try Self.fresh(sample, [line]).hashes == after)
        let back = try Self.edited(rerun.stepper, [])
        #expect(back.stepper.hashes == before)
        #expect(back.steps == rerun.steps)
    }

    @Test(arguments: Sample.allCases) func editsAreUndoneInAnyOrder(_ sample: Sample) throws {
        let lines = Array(Self.lines(sample).prefix(5))
        var stepper = try Self.fresh(sample, lines)
        for removed in [2, 0, 1] {
            let left = stepper.edits.edits.map(\.description).enumerated().filter { $0.offset != removed }.map(\.element)
            stepper = try Self.edited(stepper, left).stepper
            #expect(try stepper.hashes == Self.fresh(sample, left).hashes)
        }
    }

    /// A value that was evicted is made again with the edits on it.
    @Test(arguments: cases.filter { $0.0 == .llama }) func evictedValuesComeBackEdited(_ sample: Sample, _ line: String) throws {
        let full = try Self.fresh(sample, [line])
        let lean = try Self.edited(sample.model().run(sample.promptIDs(), keep: .all(budget: 50_000)), [line]).stepper
        #expect(lean.hashes == full.hashes)
        for name in ["model.layers.3.mlp", "model.layers.4", "model.layers.5.self_attn.probs", "model.layers.0.self_attn.q", "logits"] {
            #expect(try lean.floats(name) == full.floats(name))
        }
    }

    @Test func steppingBackForgetsAndComesAgain() throws {
        var stepper = try Self.fresh(.llama, ["scale model.layers.0.self_attn.q[head 1] by 3", "mask L2 show key 12 query 5"])
        let hashes = stepper.hashes
        for _ in 0..<90 { stepper.stepBack() }
        while !stepper.isFinished { try stepper.step() }
        #expect(stepper.hashes == hashes)
    }

    /// The lens sees the edits below the head too, at the right rows.
    @Test(arguments: ["zero model.norm[token 9]", "freeze model.norm", "scale logits[token 7:] by 0.1", "knock-out L5 mlp"])
    func theLensSaysWhatTheEditedModelSays(_ line: String) throws {
        let run = try Self.fresh(.llama, [line])
        let lens = try #require(try LogitLens(run, positions: 6..<11, count: 4))
        let id = try #require(run.program.id(of: "logits"))
        let logits = try #require(try run.tensor(id))
        let said = try TokenRanking.rows(of: logits, count: 4, threads: 1)
        #expect(lens.rows.last?.rankings.map(\.top) == said[6..<11].map(\.top))
    }

    // MARK: what each edit does

    @Test func numbersAreWhatTheEditSays() throws {
        let plain = try Sample.llama.model().run(Sample.llama.promptIDs())
        let name = "model.layers.3.mlp"
        let (before, width) = (try plain.floats(name), 128)
        let after = { (line: String) in try Self.edited(plain, [line]).stepper.floats(name) }
        var wanted = before
        wanted[5 * width + 17] = 4
        #expect(try after("set \(name)[5, 17] = 4") == wanted)
        #expect(
            try after("scale \(name)[:, 2:4] by 2").enumerated().allSatisfy { $1 == before[$0] * ((2..<4).contains($0 % width) ? 2 : 1) })
        #expect(try after("zero \(name)[token -1]").suffix(width).allSatisfy { $0 == 0 })
        let noisy = try after("noise \(name) by 0.5 seed 3")
        let noise = zip(noisy, before).map { Double($0 - $1) }
        let deviation = (noise.reduce(0) { $0 + $1 * $1 } / Double(noise.count)).squareRoot()
        #expect(abs(deviation - 0.5) < 0.03 && abs(noise.reduce(0, +) / Double(noise.count)) < 0.03)
        #expect(try after("noise \(name) by 0.5 seed 3") == noisy)
        #expect(try after("noise \(name) by 0.5 seed 4") != noisy)
        // The same numbers where only a part gets any.
        #expect(try after("noise \(name)[token 4:6] by 0.5 seed 3")[4 * width..<6 * width] == noisy[4 * width..<6 * width])
    }

    @Test func aHeadOfTheContextIsItsSlice() throws {
        let plain = try Sample.llama.model().run(Sample.llama.promptIDs())
        let name = "model.layers.2.self_attn.context"
        let before = try plain.floats(name)
        for line in ["knock-out L2H3", "zero \(name)[head 3]", "zero \(name)[:, 48:64]"] {
            let after = try Self.edited(plain, [line]).stepper.floats(name)
            #expect(after.enumerated().allSatisfy { $1 == ((48..<64).contains($0 % 128) ? 0 : before[$0]) })
        }
    }

    @Test(arguments: Sample.allCases) func aFrozenNormKeepsItsScale(_ sample: Sample) throws {
        let plain = try sample.model().run(sample.promptIDs())
        let norm = sample != .gpt2 ? "model.norm" : "transformer.ln_f"
        let stream = sample != .gpt2 ? "model.layers.5" : "transformer.h.5"
        // Alone it changes nothing but the last bits; twice the stream is then twice the norm (less its bias).
        let frozen = try Self.edited(plain, ["freeze \(norm)"]).stepper.floats(norm)
        let own = try plain.floats(norm)
        #expect(zip(frozen, own).allSatisfy { abs($0 - $1) < 1e-4 })
        let bias = sample != .gpt2 ? Array(repeating: 0, count: 128) : try plain.floats("transformer.ln_f.bias")
        let twice = try Self.edited(plain, ["scale \(stream) by 2", "freeze \(norm)"]).stepper.floats(norm)
        #expect(twice.enumerated().allSatisfy { abs($1 - (2 * frozen[$0] - bias[$0 % bias.count])) < 1e-3 })
        let free = try Self.edited(plain, ["scale \(stream) by 2"]).stepper.floats(norm)
        #expect(zip(free, own).allSatisfy { abs($0 - $1) < 1e-2 })
    }

    @Test func masksHideAndShow() throws {
        let plain = try Sample.llama.model().run(Sample.llama.promptIDs())
        let (probs, scores) = ("model.layers.2.self_attn.probs", "model.layers.2.self_attn.scores")
        let count = try Sample.llama.promptIDs().count
        let at = { (head: Int, query: Int, key: Int) in (head * count + query) * count + key }
        let hidden = try Self.edited(plain, ["mask L2H3 hide key 4 query 9"]).stepper
        #expect(try hidden.floats(probs)[at(3, 9, 4)] == 0)
        #expect(try plain.floats(probs)[at(3, 9, 4)] > 0)
        #expect(try hidden.floats(scores)[at(3, 9, 4)] == -.infinity)
        #expect(try hidden.floats(scores)[at(2, 9, 4)] == plain.floats(scores)[at(2, 9, 4)])
        let row = try hidden.floats(probs)[at(3, 9, 0)..<at(3, 10, 0)]
        #expect(abs(row.reduce(0, +) - 1) < 1e-5)
        // A later key comes into sight with the score that q and k give.
        let shown = try Self.edited(plain, ["mask L2 show key 12 query 5"]).stepper
        let (q, k) = (try shown.floats("model.layers.2.self_attn.q_rope"), try shown.floats("model.layers.2.self_attn.k_rope"))
        let keys = try #require(shown.program.id(of: "model.layers.2.self_attn.k_rope"))
        let shape = shown.program.values[keys].shape
        for head in 0..<8 {
            let other = head / (8 / shape[0])
            let dot = (0..<16).reduce(0) { $0 + q[(head * count + 5) * 16 + $1] * k[(other * count + 12) * 16 + $1] }
            let (score, seen) = (try shown.floats(scores)[at(head, 5, 12)], try shown.floats(probs))
            #expect(abs(score - dot / 4) < 1e-4)
            #expect(seen[at(head, 5, 12)] > 0 && seen[at(head, 5, 11)] == 0)
        }
        // Rows that see what they saw have the bits that they had, and hiding it again gives back the rest.
        #expect(try shown.floats(probs)[at(0, 6, 0)..<at(0, 7, 0)] == plain.floats(probs)[at(0, 6, 0)..<at(0, 7, 0)])
        let both = try Self.edited(plain, ["mask L2 show key 12 query 5", "mask L2 hide key 12 query 5"]).stepper
        #expect(both.hashes["lm_head"] == plain.hashes["lm_head"] && both.hashes["lm_head"] != nil)
    }

    @Test func copiesComeFromTheOtherRun() throws {
        let model = try Sample.llama.model()
        let other = try RunPrompt.text("When Tom and Mia went to the market, Mia gave a ring to").run(
            model, policy: Policy(), budget: 1 << 30)
        let plain = try model.run(Sample.llama.promptIDs())
        // The whole last stream is the whole answer.
        let all = try Self.edited(plain, ["copy model.layers.5 from B"], runs: ["B": other]).stepper
        #expect(try all.lastLogits() == other.stepper.lastLogits())
        let part = try Self.edited(plain, ["copy model.layers.3[token 5] from B"], runs: ["B": other]).stepper
        let (mine, theirs, made) = (
            try plain.floats("model.layers.3"), try other.stepper.floats("model.layers.3"), try part.floats("model.layers.3")
        )
        #expect(made.enumerated().allSatisfy { $1 == ($0 / 128 == 5 ? theirs[$0] : mine[$0]) })
    }

    struct Misfit: Sendable, CustomTestStringConvertible {
        let line: String
        let says: String
        var testDescription: String { line }
    }

    @Test(arguments: [
        Misfit(line: "zero model.layers.9.mlp", says: "there is no value 'model.layers.9.mlp'; / finds names, * and ? stand for any"),
        Misfit(line: "zero layers.2.mlp", says: "there is no value 'layers.2.mlp'; there is model.layers.2.mlp.gate_proj.weight"),
        Misfit(line: "zero model.layers.2.mlp[16, 0]", says: "model.layers.2.mlp.down_proj: token 16 lies outside 0…14"),
        Misfit(line: "zero model.layers.2.mlp[head 3]", says: "model.layers.2.mlp.down_proj has no head; its axes are token, feature"),
        Misfit(
            line: "zero model.layers.2.mlp[1, 2, 3]",
            says: "model.layers.2.mlp.down_proj has 2 axes (15 token × 128 feature), fewer than [1, 2, 3] says"),
        Misfit(
            line: "zero model.layers.2.mlp[token 1, token 2]",
            says: "model.layers.2.mlp.down_proj is told twice its token; its axes are token, feature"),
        Misfit(line: "zero model.layers.2.self_attn.context[head 8]", says: "model.layers.2.self_attn.context: head 8 lies outside 0…7"),
        Misfit(line: "zero model.layers.2.mlp[5:5]", says: "model.layers.2.mlp.down_proj: token 5:5 lies outside 0…14"),
        Misfit(line: "freeze model.layers.2.mlp", says: "'model.layers.2.mlp' is no norm; freeze keeps the scale of RMSNorm or LayerNorm"),
        Misfit(line: "knock-out L6 mlp", says: "there is no MLP in layer 6; layers are 0…5"),
        Misfit(line: "knock-out L2H8", says: "layer 2 has 8 heads, 0…7; there is no L2H8"),
        Misfit(line: "mask L2 hide key 16", says: "model.layers.2.self_attn.scores: key 16 lies outside 0…14"),
        Misfit(line: "copy model.norm from B", says: "there is no run 'B'; make one with run B = \"TEXT\""),
        Misfit(
            line: "copy model.norm from S",
            says: "model.norm is [15, 128] here and [5, 128] in run S; choose tokens that both have, such as [token 0]"),
        Misfit(
            line: "copy model.norm[token 7] from S",
            says: "model.norm is [15, 128] here and [5, 128] in run S; choose tokens that both have"),
        Misfit(line: "set input_ids[2] = 1.5", says: "input_ids holds whole numbers 0…2047, not 1.5"),
        Misfit(line: "set input_ids[2] = 2048", says: "input_ids holds whole numbers 0…2047, not 2048.0"),
        Misfit(
            line: "shift input_ids by 1",
            says: "input_ids cannot be shifted by 1.0; positions of a rotation can, by a whole number up to 1048576"),
        Misfit(
            line: "shift position_ids by 0.5",
            says: "position_ids cannot be shifted by 0.5; positions of a rotation can, by a whole number up to 1048576"),
        Misfit(line: "noise input_ids by 1", says: "input_ids holds whole numbers; set, zero or copy them"),
    ])
    func whatDoesNotFitIsSaid(_ misfit: Misfit) throws {
        let model = try Sample.llama.model()
        let short = try RunPrompt.ids([1, 2, 3, 4, 5]).run(model, policy: Policy(), budget: 1 << 30)
        let plain = try model.run(Sample.llama.promptIDs())
        let error = #expect(throws: EditError.self) {
            try plain.rerun(EditSet([try Edit(misfit.line)], runs: ["S": short]))
        }
        #expect(error?.rule.hasPrefix(misfit.says) == true, "\(error?.rule ?? "")")
    }

    /// The edits that the README shows are read and made.
    @Test func theReadmesEditsWork() throws {
        let path = #filePath.replacing("Tests/ModelsTests/EditTests.swift", with: "README.md")
        let readme = try String(contentsOfFile: path, encoding: .utf8)
        let section = try #require(readme.components(separatedBy: "## What if\n").last)
        let block = try #require(section.components(separatedBy: "```").dropFirst().first)
        let file = try EditFile(block, name: "README.md")
        #expect(file.edits.count == 9 && file.runs.count == 1)
        let model = try Sample.llama.model()
        let plain = try model.run(Sample.llama.promptIDs())
        let rerun = try #require(try plain.rerun(file.set(for: model, policy: Policy())))
        #expect(rerun.stepper.hashes["lm_head"] != plain.hashes["lm_head"])
    }

    /// An overwritten number comes from nobody; its neighbours from what they always came from.
    @Test func lineageKnowsWhatWasOverwritten() throws {
        let plain = try Sample.llama.model().run(Sample.llama.promptIDs())
        let edited = try Self.edited(plain, ["set model.layers.3.mlp[5, 17] = 4"]).stepper
        let id = try #require(edited.program.id(of: "model.layers.3.mlp"))
        #expect(try edited.lineage(of: id, at: [5, 17])?.sources.isEmpty == true)
        #expect(try edited.lineage(of: id, at: [5, 17])?.number == 4)
        #expect(try edited.lineage(of: id, at: [5, 18])?.sources.count == plain.lineage(of: id, at: [5, 18])?.sources.count)
    }
}
