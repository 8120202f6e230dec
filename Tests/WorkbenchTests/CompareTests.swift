import Checkpoints
import Engine
import Foundation
import Screen
import Tensors
import Testing

@testable import Workbench

/// The Compare screen by commands and keys.
@Suite struct CompareTests {
    private static let gemma = "\(Harness.root)/Samples/fables-gemma2"

    private static func harness(_ size: Size = Size(160, 48)) -> Harness {
        var harness = Harness(size: size)
        harness.session.pendingPrompt = .text("Tom and Mia went to the")
        harness.command("open \(gemma)")
        return harness
    }

    @Test func aQuirkIsHeldAgainstTheRun() throws {
        var harness = Self.harness()
        let before = CommandScript.hashes(harness.session)
        harness.command("compare quirk gelu-exact")
        #expect(harness.session.page == .compare && harness.session.compared.lines.count == 1)
        let line = try #require(harness.session.compared.lines.first)
        #expect(line.name == "✗gelu-exact" && !line.isRunning && line.comparison.rows.count == line.total)
        let first = try #require(line.comparison.firstBeyond)
        #expect(line.comparison.rows[first].name == "model.layers.0.mlp.act_fn")
        #expect(harness.text.contains("✗◂ 0 · mlp · act_fn") && harness.text.contains("✗gelu-exact"))
        // The run on the screen is what it was.
        #expect(CommandScript.hashes(harness.session) == before && harness.session.quirks.on.isEmpty)
    }

    /// Where the table is narrow, the layer and the last word of a name tell values apart; none is cut off before that.
    @Test(arguments: [Size(80, 24), Size(100, 30), Size(160, 48)]) func namesInTheTableTellValuesApart(_ size: Size) throws {
        var harness = Self.harness(size)
        harness.command("compare quirk gelu-exact")
        let short = ["0 · act_fn ", "0 · up_proj ", "0 · product "]
        #expect((size.width == 160 ? ["0 · mlp · act_fn ", "0 · mlp · up_proj "] : short).allSatisfy { harness.text.contains($0) })
    }

    /// Enter shows the worst element of the selected value with both numbers, and Enter again goes there.
    @Test func enterShowsTheWorstElementOnBothSides() throws {
        var harness = Self.harness()
        harness.command("compare quirk gelu-exact")
        let row = try #require(harness.session.comparedRow)
        harness.keys("Enter")
        #expect(harness.session.overlay == .compared(scroll: 0))
        for (number, name) in zip(row.numbers, ["A", "B"]) {
            let bits = NumberBits(number, format: "fp32")
            #expect(harness.text.contains(bits.exact) && harness.text.contains(bits.text), "\(name)")
        }
        #expect(harness.text.contains("mlp · gate_proj") && harness.text.contains("^"))
        harness.keys("Enter")
        #expect(harness.session.page == .explore && harness.selected == row.name && harness.session.cursorIndex == row.index)
    }

    /// Of a run in 16 bits they are the 16 of its format, and of two formats they are not held against each other.
    @Test func bitsAreThoseOfTheFormat() throws {
        #expect(NumberBits(1.5, format: "fp16").text == "0 01111 1000000000")
        #expect(NumberBits(-1.5, format: "bf16").text == "1 01111111 1000000")
        #expect(NumberBits(1.5, format: "fp16").steps(to: NumberBits(1.5 + 3 * 0x1p-10, format: "fp16")) == 3)
        #expect(NumberBits(-0x1p-24, format: "fp16").steps(to: NumberBits(0x1p-24, format: "fp16")) == 2)
        #expect(NumberBits(1, format: "fp64").steps(to: NumberBits(1.0.nextUp, format: "fp64")) == 1)
        #expect(NumberBits(1, format: "fp16").steps(to: NumberBits(1, format: "fp32")) == nil)
        // What fp16 has no number for, and formats in blocks: as it lies in memory.
        #expect(NumberBits(0.1, format: "fp16").format == .fp32 && NumberBits(1, format: "mxfp8").format == .fp32)
        var harness = Self.harness()
        harness.command("precision fp16")
        harness.command("compare quirk gelu-exact")
        let row = try #require(harness.session.comparedRow)
        harness.keys("Enter")
        for (number, name) in zip(row.numbers, ["A", "B"]) {
            #expect(harness.text.contains(NumberBits(number, format: "fp16").text), "\(name) \(row.formats)")
        }
    }

    @Test func runsArePinnedByKeys() throws {
        var harness = Self.harness()
        harness.keys("6 p")
        #expect(harness.session.compared.isPinned && harness.session.compared.lines.isEmpty)
        harness.keys("p")
        #expect(harness.session.message?.kind == .error)
        harness.command("quirk caps-missing")
        harness.keys("p")
        #expect(harness.session.compared.lines.map(\.name) == ["fp32 ✗caps-missing"])
        harness.command("quirk caps-missing off")
        harness.command("precision bf16")
        harness.keys("p")
        #expect(harness.session.compared.lines.count == 2)
        let back = try #require(harness.session.compared.lines.first)
        #expect(back.comparison.rows[try #require(back.comparison.firstBeyond)].name == "model.layers.0.self_attn.scores")
        harness.keys("{ d")
        #expect(harness.session.compared.lines.map(\.name) == ["fp32 ≠bf16"])
        harness.command("compare drop all")
        #expect(harness.session.compared.base.isEmpty)
    }

    /// A number that is written into the run is the first to differ, at its place, and both sides show theirs.
    @Test func aMarkerIsSeen() throws {
        var harness = Self.harness()
        harness.keys("6 p")
        harness.command("set model.layers.1.mlp.down_proj[2, 3] = 1234.5")
        harness.keys("p")
        let row = try #require(harness.session.comparedRow)
        #expect(row.name == "model.layers.1.mlp.down_proj" && row.index == [2, 3] && row.numbers[1] == 1234.5)
        #expect(harness.text.contains("B 1234.50") && harness.text.contains("✗◂ 1 · mlp · down_proj"))
        let rows = harness.session.comparedRows
        #expect(rows[..<harness.session.comparedRowIndex].allSatisfy { $0.isIdentical })
    }

    /// A pinned run that was switched back is the same to the last bit.
    @Test func switchingBackIsIdentical() throws {
        var harness = Self.harness()
        harness.keys("6 p")
        harness.command("precision bf16")
        harness.command("precision own")
        harness.keys("p")
        let line = try #require(harness.session.compared.lines.first)
        #expect(line.comparison.isIdentical && line.comparison.divergence?.mean == 0)
        #expect(harness.text.contains("the same bits"))
    }

    @Test func theToleranceIsSetAndTheNextBeyondIsFound() throws {
        var harness = Self.harness()
        harness.command("compare policy fp16")
        let count = { (harness: Harness) in harness.session.comparedRows.count(where: \.isBeyond) }
        #expect(count(harness) == 0)
        harness.keys("e")
        #expect(harness.session.message?.text.contains("no value is beyond") == true)
        harness.command("compare tolerance 1e-9")
        #expect(count(harness) > 0 && harness.text.contains("NMSE ≤ 1e-09"))
        harness.keys("g g e e")
        let places = harness.session.comparedRows.indices.filter { harness.session.comparedRows[$0].isBeyond }
        #expect(harness.session.comparedRowIndex == places[places[0] == 0 ? 2 : 1])
        harness.keys("E")
        #expect(harness.session.comparedRowIndex == places[places[0] == 0 ? 1 : 0])
        harness.command("compare tolerance")
        #expect(count(harness) == 0)
    }

    @Test func layersRunsAndSlicesAreWalked() throws {
        var harness = Self.harness()
        harness.command("compare policy bf16")
        harness.command("compare quirk window-ignored,caps-missing")
        let name = try #require(harness.session.comparedRow?.name)
        #expect(name == "model.layers.0.self_attn.scores" && harness.session.compared.lines[1].comparison.rows.count > 20)
        harness.keys("]")
        #expect(harness.session.comparedRow?.name == "model.layers.1.self_attn.scores")
        let leading = harness.session.comparedLeading
        harness.keys(leading == 0 ? "." : ",")
        #expect(harness.session.comparedLeading != leading)
        harness.keys("{")
        #expect(harness.session.comparedLineIndex == 0 && harness.session.comparedRow?.name == "model.layers.1.self_attn.scores")
        harness.keys("v x")
        #expect(harness.text.contains("in running order"))
    }

    /// Another run is measured on the engine thread and stopped by C-c; what has been measured stays.
    @Test func aComparisonIsStopped() throws {
        var harness = Self.harness()
        harness.command("compare policy bf16", ops: 20)
        let running = try #require(harness.session.compared.lines.first)
        #expect(running.isRunning && running.comparison.rows.count < running.total && harness.text.contains("C-c stops"))
        harness.keys("C-c")
        let stopped = try #require(harness.session.compared.lines.first)
        #expect(!stopped.isRunning && stopped.comparison.rows.count < stopped.total)
    }

    /// Noise or bug for every value once all is measured: a mistake is a bug at its own op, and what lies behind only carries it.
    @Test func verdictsFollowTheMeasuring() throws {
        var harness = Self.harness()
        harness.command("compare quirk gelu-exact")
        let line = try #require(harness.session.compared.lines.first)
        let bugs = line.verdicts.entries.filter(\.verdict.isBug)
        #expect(!line.isJudging && bugs.count == 6 && bugs.allSatisfy { $0.name.hasSuffix("mlp.act_fn") })
        #expect(harness.text.contains("bug \(Numbers.compact(bugs[0].verdict.factor, digits: 2))") && harness.text.contains("carried"))
        #expect(harness.session.message?.text.contains("bug at 0 · mlp · act_fn") == true)
        harness.keys("Enter")
        #expect(harness.text.contains("× rounding") && harness.text.contains("cosine"))
        harness.keys("s")
        let request = try #require(harness.session.comparedSpreadRequest)
        guard case .compared(.spread(let spread?))? = harness.session.answers[request] else {
            Issue.record("no samples")
            return
        }
        #expect(harness.text.contains("16 samples ± \(Numbers.compact(spread.measured)), predicted ± \(Numbers.compact(spread.predicted))"))
        harness.keys("s")
        #expect(!harness.text.contains("16 samples"))
        harness.keys("q")
        harness.command("compare policy bf16")
        #expect(harness.session.compared.lines[1].verdicts.firstBug == nil && harness.text.contains("noise "))
        #expect(harness.session.message?.text.contains("noise, at most") == true)
    }

    /// Judging goes on behind the comparison, value by value, and is stopped like it; what was judged stays.
    @Test func judgingIsStopped() throws {
        var harness = Self.harness()
        harness.command("compare policy bf16", ops: 190)
        let judging = try #require(harness.session.compared.lines.first)
        #expect(!judging.isRunning && judging.isJudging && !judging.verdicts.entries.isEmpty)
        #expect(harness.text.contains("judged  C-c stops"))
        harness.keys("C-c")
        let stopped = try #require(harness.session.compared.lines.first)
        #expect(!stopped.isJudging && stopped.verdicts.entries.count < stopped.total)
    }

    /// A file of rules is a policy like a preset, and Tab finds it.
    @Test func aPolicyFileIsCompared() throws {
        let file = NSTemporaryDirectory() + "mica-\(UUID().uuidString).policy"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try "*.mlp.* bf16\n".write(toFile: file, atomically: true, encoding: .utf8)
        var harness = Self.harness()
        harness.command("compare policy \(file) quirk gelu-exact as both")
        let line = try #require(harness.session.compared.lines.first)
        #expect(line.comparison.rows.contains { $0.formats[1] == "bf16" } && line.verdicts.firstBug?.name.hasSuffix("act_fn") == true)
        let start = "compare policy \(file.dropLast(3))"
        #expect(Completion.lines(start, session: harness.session) == ["compare policy \(file)"])
        #expect(Completion.lines("compare policy bf", session: harness.session) == ["compare policy bf16"])
        #expect(
            Completion.lines("diff \(Self.gemma) quirk gelu-exact,caps", session: harness.session).first?.hasSuffix("caps-missing") == true)
        #expect(Completion.lines("compare qu", session: harness.session) == ["compare quirk"])
    }

    /// What was computed in fp32 and rounded when it was kept is noise, and both the message and the pane say what that rests on.
    @Test func aDumpThatWasRoundedWhenItWasKeptSaysSo() throws {
        let file = NSTemporaryDirectory() + "mica-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: file) }
        var harness = Self.harness()
        let run = try #require(harness.snapshot?.stepper)
        let tensors = try run.program.steps.compactMap { step in
            try run.tensor(step.output).map { tensor in
                (run.program.values[step.output].name, try NumberFormat.bf16.rounded(tensor, hides: step.op.hidesWithInfinity, threads: 1))
            }
        }
        var writer = try SafetensorsWriter(path: file, tensors: tensors.map { TensorPlan($0.0, .f32, $0.1.shape.counts) })
        for (name, tensor) in tensors { try writer.write(name, tensor) }
        try writer.finish()
        harness.command("diff \(file)")
        #expect(harness.session.message?.text.contains(":precision fp32 if a run in fp32 was rounded when it was kept") == true)
        harness.command("precision fp32")
        harness.command("diff \(file)")
        #expect(harness.session.message?.text.contains("noise, if B was kept in bf16") == true, "\(harness.session.message?.text ?? "")")
        #expect(harness.text.contains("values are right only if"))
    }

    /// A dump of a run in bf16, whatever its tensors are kept in, is not held against fp32.
    @Test func aDumpSaysItsFormat() throws {
        let file = NSTemporaryDirectory() + "mica-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: file) }
        var harness = Self.harness()
        harness.command("precision bf16")
        let run = try #require(harness.snapshot?.stepper)
        let values = run.program.steps.map { run.program.values[$0.output] }.filter { $0.role == .residual }
        let tensors = try values.map { ($0.name, try #require(try run.tensor(run.program.id(of: $0.name) ?? 0))) }
        var writer = try SafetensorsWriter(path: file, tensors: tensors.map { TensorPlan($0.0, .f32, $0.1.shape.counts) })
        for (name, tensor) in tensors { try writer.write(name, tensor) }
        try writer.finish()
        harness.command("diff \(file)")
        #expect(harness.session.compared.lines.first?.comparison.isIdentical == true)
        harness.command("compare drop all")
        harness.command("precision own")
        harness.command("diff \(file)")
        #expect(harness.session.message?.text.contains("of a run in bf16") == true && harness.session.compared.lines.isEmpty)
    }

    @Test func anotherCheckpointAndAFileAreCompared() throws {
        var harness = Self.harness()
        harness.command("diff \(Harness.root)/Samples/fables-llama")
        let line = try #require(harness.session.compared.lines.first)
        #expect(line.name == "fables-llama" && !line.comparison.onlyHere.isEmpty && line.comparison.divergence != nil)
        harness.command("diff /nowhere")
        #expect(harness.session.message?.kind == .error && harness.session.compared.lines.count == 1)
        harness.command("compare dump \(Self.gemma)/model.safetensors")
        #expect(harness.session.message?.kind == .error && harness.session.compared.lines.count == 1)
    }

    /// A file whose names are others is not one whose bits are the same.
    @Test func aFileWithOtherNamesIsRefused() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("mica-names-\(getpid()).safetensors").path
        defer { unlink(path) }
        let header = #"{"decoder.x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        try Data(length + Array(header.utf8) + [0, 0, 0, 0]).write(to: URL(fileURLWithPath: path))
        var harness = Self.harness()
        harness.command("compare dump \(path)")
        let message = try #require(harness.session.message)
        #expect(
            message.kind == .error && message.text.contains("no value has the same name on both sides: here there is model.embed_tokens"))
        #expect(message.text.hasSuffix("there decoder.x") && harness.session.compared.lines.isEmpty)
    }

    @Test(arguments: [
        ("compare policy", "policy of which name, or from which file?"), ("compare policy bf17", "bf17 is neither a preset"),
        ("compare quirk nonsense", "there is no quirk 'nonsense'"), ("compare quirk scores-unscaled", "is not of this Gemma-2"),
        ("compare kernel", "kernel of which name?"), ("compare a b", "'b' cannot follow"),
        ("compare dump x.safetensors policy bf16", "a dump is compared"),
        ("compare drop 3", "there is nothing to drop"), ("compare tolerance -1", "from 0"), ("diff", "which folder or file?"),
    ])
    func mistakesAreSaid(_ line: String, _ says: String) {
        var harness = Self.harness()
        harness.command(line)
        #expect(harness.session.message?.text.contains(says) == true, "\(harness.session.message?.text ?? "nothing")")
        #expect(harness.session.compared.lines.isEmpty)
    }

    /// A seventh run does not fit.
    @Test func aPlotHoldsSixRuns() {
        var harness = Self.harness()
        for number in 0..<7 { harness.command("compare kernel reference @softmax as run \(number)") }
        #expect(harness.session.compared.lines.count == 6 && harness.session.message?.text.contains("holds 6 runs") == true)
        #expect(harness.text.contains("◇"))
    }

    /// What `:record` writes brings the comparisons back.
    @Test func aRecordingHasTheComparisons() {
        var harness = Self.harness()
        harness.command("compare policy bf16 as narrow one")
        #expect(CommandScript.opening(harness.session).contains("compare policy bf16 as narrow one"))
    }

    @Test(arguments: [Size(60, 16), Size(80, 24), Size(160, 48)])
    func theScreenLooksAsItDid(_ size: Size) throws {
        var harness = Self.harness(size)
        harness.command("compare quirk gelu-exact as exact GELU")
        harness.command("compare quirk rope-tables-bf16,norm-cast-early")
        try ScreenGolden.compare(harness.draw(), "compare-runs-\(size.width)x\(size.height)")
        harness.keys("Enter")
        try ScreenGolden.compare(harness.draw(), "compare-element-\(size.width)x\(size.height)")
        harness.keys("q Tab")
        if size == Size(60, 16) { try ScreenGolden.compare(harness.draw(), "compare-chart-60x16") }
        harness.resize(Size(7, 3))
        #expect(harness.draw().size == Size(7, 3))
    }
}
