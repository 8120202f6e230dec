import Engine
import Models
import Tensors
import Testing

/// Scans and head scores on the bundled models, whose circuits Samples/README.md names.
struct PatchScanTests {
    private static let clean = "When Mia and Tom went to the market, Tom gave a ring to"
    private static let corrupted = "When Tom and Mia went to the market, Mia gave a ring to"

    private static func runs(_ sample: Sample) throws -> (model: Model, clean: Stepper, corrupted: Stepper) {
        let model = try sample.model()
        let steppers = try [clean, corrupted].map { try RunPrompt.text($0).run(model, policy: Policy(), budget: 1 << 30).stepper }
        return (model, steppers[0], steppers[1])
    }

    private static func scan(_ what: PatchScan.What, _ clean: Stepper, _ corrupted: Stepper) throws -> PatchScan {
        var scanner = try PatchScanner(what, clean: clean, corrupted: corrupted)
        while !scanner.scan.isFinished { try scanner.step() }
        return scanner.scan
    }

    /// Each cell is what the edit that it stands for gives, computed the long way.
    @Test(arguments: PatchScan.What.allCases) func cellsAreWhatTheirEditsGive(_ what: PatchScan.What) throws {
        let (_, clean, corrupted) = try Self.runs(.llama)
        let scan = try Self.scan(what, clean, corrupted)
        #expect(scan.rows == (what == .residual ? 7 : 6) && scan.columns == (what == .heads ? 8 : 15))
        let ids = try Self.runs(.llama).model.tokenizer.map { $0.encode(Self.clean).map(Int.init) } ?? []
        for (row, column) in [(0, 0), (1, 3), (2, 7), (3, 1), (4, 6), (5, 7)] {
            let edit = scan.edit(row: row, column: column, program: corrupted.program, from: "A")
            #expect(try Edit(edit.description) == edit)
            let rerun = try #require(try corrupted.rerun(EditSet([edit], runs: ["A": EditRun(ids: ids, stepper: clean)])))
            let logits = try #require(try rerun.stepper.lastLogits())
            let difference = Double(logits[scan.question.answer]) - Double(logits[scan.question.wrong])
            #expect(scan[row, column] == Float((difference - scan.corrupted) / (scan.clean - scan.corrupted)))
        }
    }

    /// The stream of the last token at the end is the whole answer, that of earlier tokens nothing; the name's place holds it at first.
    @Test(arguments: Sample.allCases) func theNameIsFollowedThroughTheModel(_ sample: Sample) throws {
        let (model, clean, corrupted) = try Self.runs(sample)
        let scan = try Self.scan(.residual, clean, corrupted)
        let names = try ["Mia", "Tom"].map { try #require(model.tokenizer?.encode(" " + $0, addSpecial: false).first) }
        #expect(scan.question == PatchScan.Question(answer: Int(names[0]), wrong: Int(names[1])))
        #expect(scan.clean > 0 && scan.corrupted < 0)
        let last = scan.columns - 1
        #expect(abs(scan[scan.rows - 1, last] - 1) < 1e-4)
        #expect((0..<last).allSatisfy { scan[scan.rows - 1, $0] == 0 })
        #expect(scan[0, last] == 0)
        #expect((0..<scan.columns).contains { scan[0, $0] > 0.1 })
    }

    @Test func oddQuestionsAreRefused() throws {
        let (model, clean, corrupted) = try Self.runs(.llama)
        let short = try RunPrompt.text("Tom and Mia").run(model, policy: Policy(), budget: 1 << 30).stepper
        for (other, question, says) in [
            (short, nil, "the clean prompt has 5 tokens and the corrupted one 15; a scan needs as many in both"),
            (corrupted, nil, "both runs go on with token"),
            (clean, PatchScan.Question(answer: 5, wrong: 5), "both runs have the same logit difference"),
            (clean, PatchScan.Question(answer: 9999, wrong: 5), "token 9999 is outside the vocabulary of 2048"),
        ] as [(Stepper, PatchScan.Question?, String)] {
            let error = #expect(throws: EditError.self) {
                try PatchScanner(.residual, clean: other, corrupted: corrupted, question: question)
            }
            #expect(error?.rule.hasPrefix(says) == true, "\(error?.rule ?? "")")
        }
    }

    /// The heads that Samples/README.md names, found there with transformers on other random tokens.
    @Test(arguments: [Sample.llama, .gpt2]) func inductionHeadsAreFound(_ sample: Sample) throws {
        let scores = try #require(try HeadScores(sample.model(), draws: 4, policy: Policy()))
        let induction: [String: Double] =
            sample == .llama ? ["L5H2": 0.98, "L5H7": 0.98, "L5H6": 0.97, "L5H4": 0.96] : ["L5H5": 0.98, "L5H4": 0.96, "L5H0": 0.95]
        let previous: [String: Double] = sample == .llama ? ["L4H0": 1, "L3H2": 0.98] : ["L4H5": 0.98]
        for head in scores.heads {
            let name = "L\(head.layer)H\(head.head)"
            if let known = induction[name] { #expect(abs(head.induction - known) < 0.03, "\(name) \(head.induction)") }
            if let known = previous[name] { #expect(abs(head.previous - known) < 0.03, "\(name) \(head.previous)") }
            #expect(head.induction >= 0 && head.induction <= 1.0001 && head.previous >= 0 && head.previous <= 1.0001)
        }
        let best = scores.heads.sorted { $0.induction > $1.induction }.prefix(induction.count).map { "L\($0.layer)H\($0.head)" }
        #expect(Set(best) == Set(induction.keys))
        #expect(scores.secondLoss < 0.1 && scores.firstLoss > 5)
    }

    @Test func editFilesAreRead() throws {
        let text = "# what if\n\nrun B = \"Tom and Mia\"\r\nrun C = ids 1, 2,3\n  zero model.norm[token 0]\nknock-out L3 mlp\n"
        let file = try EditFile(text, name: "x.edits")
        #expect(file.runs.map(\.name) == ["B", "C"] && file.runs[1].prompt == .ids([1, 2, 3]) && file.edits.count == 2)
        #expect(try EditFile(file.text, name: "x.edits") == file)
        for (text, says) in [
            ("\nzero", "f:2: zero what? Write zero NAME[head 3]"), ("run B", "f:1: a run is written run B = \"TEXT\" or run B = ids 1,2,3"),
            ("run B = x\nrun B = y", "f:2: run B is named twice"), ("run B = ids 1,x", "f:1: ids are whole numbers, separated by commas"),
        ] {
            #expect(#expect(throws: EditError.self) { try EditFile(text, name: "f") }?.rule == says)
        }
    }
}
