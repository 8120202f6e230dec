import Foundation
import Models
import Screen
import Testing
import Training

@testable import Workbench

/// 8 Train: a finetune that is paused, walked into and gone on with, and what the screen says of it.
@Suite struct TrainTests {
    /// A run of a few short steps in a folder of its own. Keys and commands follow each other as on the screen.
    final class Run {
        var harness: Harness
        let folder: String

        init(_ settings: String, data: String = "pirate.txt", sample: Harness.Sample = .llama, size: Size = Size(80, 24)) {
            folder = NSTemporaryDirectory() + "mica-train-\(UUID().uuidString)"
            harness = Harness.open(sample, prompt: "Tom and Mia", size: size)
            try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try? "Tom took the boat. \"Is it mine?\" asked Mia. Nobody spoke.".write(
                toFile: folder + "/validation.txt", atomically: true, encoding: .utf8)
            let settings = settings.replacing("VALIDATION", with: folder + "/validation.txt")
            harness.command(
                "finetune \(Harness.root)/Samples/\(data) out=\(folder)/run sequence-length=24 batch-size=2 lr=0.001 seed=3 \(settings)")
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        var training: TrainingProgress {
            get throws { try #require(harness.session.training) }
        }
        var losses: [UInt64] { harness.session.training?.points.map(\.loss.bitPattern) ?? [] }
        /// The weights after the last step, as the checkpoint has them.
        func weights(step: Int) throws -> Data {
            let path = "\(folder)/run"
            let inside = try FileManager.default.subpathsOfDirectory(atPath: path).filter {
                $0.hasSuffix(".safetensors") && $0.contains("\(step)/")
            }
            #expect(!inside.isEmpty)
            return try inside.sorted().reduce(into: Data()) { $0 += try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($1)")) }
        }
    }

    // MARK: looking changes nothing

    @Test(arguments: ["method=lora lora-dropout=0.1 accumulation=2", "method=full optimizer=sgd momentum=0.9"])
    func aRunThatIsWalkedIntoHasTheSameBits(_ settings: String) throws {
        let undisturbed = Run("steps=4 \(settings)")
        #expect(undisturbed.losses.count == 4)
        #expect(try undisturbed.training.phase == .finished)
        let walked = Run("steps=4 until=1 \(settings)")
        #expect(try walked.training.phase == .paused)
        walked.harness.keys("Enter")
        #expect(try walked.training.walk?.stage == 0)
        walked.harness.keys("1")
        walked.harness.command("step 20")
        walked.harness.keys("S S 2 4")
        Self.drawEverywhere(&walked.harness)
        walked.harness.command("zero model.layers.0.mlp")
        walked.harness.command("run")
        walked.harness.keys("> >")
        #expect(walked.harness.session.message?.kind != .error)
        walked.harness.keys("X")
        #expect(try walked.training.walk == nil)
        walked.harness.keys("8 n Enter > < Space")
        #expect(try walked.training.phase == .finished)
        #expect(walked.losses == undisturbed.losses)
        #expect(try walked.weights(step: 4) == undisturbed.weights(step: 4))
    }

    /// The walk's first op is next for keys that come before the screen shows it.
    @Test func keysFasterThanTheEngineStepInTheBatch() throws {
        let run = Run("steps=4 until=1")
        run.harness.burst("Enter 1 s s s S")
        #expect(run.harness.snapshot?.stepper.cursor == 2)
        #expect(try run.training.walk?.stage == 0)
    }

    /// What runs while the keys come: a pause in the middle of a step stands at its end.
    @Test func spacePausesAtTheNextStep() throws {
        let undisturbed = Run("steps=3")
        var harness = Harness.open(prompt: "Tom and Mia")
        let folder = NSTemporaryDirectory() + "mica-train-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        harness.command(
            "finetune \(Harness.root)/Samples/pirate.txt out=\(folder) sequence-length=24 batch-size=2 lr=0.001 seed=3 steps=3", ops: 200)
        #expect(harness.session.training?.phase == .running)
        harness.keys("Space")
        #expect(harness.session.training?.phase == .paused && harness.session.training?.step == 1)
        harness.keys("n")
        #expect(harness.session.training?.phase == .paused && harness.session.training?.step == 2)
        harness.keys("Space")
        #expect(harness.session.training?.points.map(\.loss.bitPattern) == undisturbed.losses)
    }

    @Test func aSavedRunGoesOnInAnotherSession() throws {
        let undisturbed = Run("steps=4")
        let first = Run("steps=4 until=2")
        first.harness.keys("w")
        #expect(try first.training.notes.contains { $0.text.hasPrefix("saved") })
        first.harness.command("open \(Harness.Sample.llama.path)")
        var second = Harness.open(prompt: "Tom and Mia")
        second.command("resume \(first.folder)/run")
        let points = try #require(second.session.training?.points)
        #expect(points.map(\.step) == [3, 4])
        #expect(points.map(\.loss.bitPattern) == Array(undisturbed.losses.dropFirst(2)))
    }

    // MARK: the batch

    /// The mask is read from the tensor that the loss reads; it agrees with the rows' labels, and the tokens' losses add up to the step's.
    @Test(arguments: ["pirate.txt", "sft-chat.jsonl"])
    func theStripIsWhatTheLossReads(_ data: String) throws {
        let run = Run("steps=2 until=1 sequence-length=160", data: data)
        run.harness.keys("Enter")
        var (sum, count) = (0.0, 0)
        let rows = try run.training.rows
        for number in rows.indices {
            if number > 0 { run.harness.keys(">") }
            #expect(try run.training.walk?.stage == number)
            run.harness.command("run")
            let row = try #require(run.harness.session.batch)
            let reading = try #require(run.harness.session.batchReading)
            #expect(reading.ids == row.ids.prefix(reading.ids.count).map(Int.init))
            for token in reading.ids.indices {
                #expect(reading.counts[token] == (row.roles[token] == .counts))
                #expect((reading.losses[token] != nil) == reading.counts[token])
            }
            sum += reading.losses.reduce(0) { $0 + Double($1 ?? 0) }
            count += row.counted
        }
        run.harness.keys("X n")
        let loss = try #require(try run.training.last?.loss)
        #expect(abs(sum / Double(count) - loss) < 1e-5)
    }

    @Test func theUpdateIsWalkedAsSteps() throws {
        let run = Run("steps=2 until=1 max-grad-norm=0.01")
        run.harness.keys("Enter > >")
        let walk = try #require(try run.training.walk)
        #expect(!walk.isRow && walk.stage == walk.rows && walk.clip < 1)
        let names = run.harness.snapshot?.stepper.program.values.map(\.name) ?? []
        for part in ["grad.clipped:", "adam.m:", "adam.v:", "update:", "new:"] { #expect(names.contains(part + walk.weight)) }
        Self.drawEverywhere(&run.harness)
        run.harness.command("run")
        #expect(run.harness.snapshot?.stepper.isFinished == true)
        run.harness.keys("X")
        #expect(try run.training.step == 1 && run.harness.selected != "")
    }

    /// On every page, at three sizes; the page and the size are as before.
    private static func drawEverywhere(_ harness: inout Harness) {
        let (before, shown) = (harness.session.page, harness.session.size)
        for page in PageCatalogue.all {
            harness.screen(page.id)
            for size in [Size(60, 16), Size(80, 24), Size(160, 48)] {
                harness.resize(size)
                #expect(harness.draw().size == size)
            }
        }
        harness.resize(shown)
        harness.screen(before)
    }

    @Test func preferencesAreTrainedAndWalked() throws {
        let run = Run("steps=2 until=1 method=dpo sequence-length=200 batch-size=1", data: "preference.jsonl")
        #expect(try run.training.last?.margin != nil)
        run.harness.keys("Enter")
        #expect(try run.training.walk?.rows == 2)
        run.harness.command("run")
        run.harness.keys("> X n")
        #expect(try run.training.phase == .finished)
    }

    // MARK: rules

    @Test func aLossThatIsNoNumberStopsBeforeTheUpdate() throws {
        let run = Run("steps=6 lr=1e30 method=full max-grad-norm=0")
        guard case .stopped(let why) = try run.training.phase else {
            Issue.record("the run went on")
            return
        }
        #expect(why.contains("the update was not made"))
        run.harness.keys("Space")
        #expect(run.harness.session.message?.kind == .error)
        run.harness.command("why")
        #expect(try run.training.walk != nil)
        let value = try #require(run.harness.session.selectedTensor)
        #expect(value.floats().contains { !$0.isFinite })
        let stepper = try #require(run.harness.snapshot?.stepper)
        let written = try #require(stepper.program.values[run.harness.session.place.value.id].step)
        let masked = stepper.program.steps[..<written].filter { step in
            (stepper.statistics(step.output).map { $0.nan + $0.positiveInfinity } ?? 0) > 0
        }
        #expect(masked.isEmpty)
        #expect(run.harness.session.lastStop?.contains("watchpoint") == true)
    }

    @Test func whatIsFiniteHasNoWhy() throws {
        let run = Run("steps=2 until=1")
        run.harness.command("why")
        #expect(run.harness.session.message?.text.contains("is finite") == true)
    }

    @Test(arguments: [
        ("lr=x", "lr must be a number"), ("speed=3", "there is no setting 'speed'"), ("lr", "is written"), ("rank=0", "rank must be"),
    ])
    func wrongSettingsSayWhatIsWanted(_ words: String, _ said: String) throws {
        var harness = Harness.open(prompt: "Tom and Mia")
        harness.command("finetune \(Harness.root)/Samples/pirate.txt \(words)")
        let text = try #require(harness.session.message?.text)
        #expect(text.contains(said) || (said == "is written" && text.contains("settings are written")), "\(text)")
        #expect(harness.session.training == nil)
    }

    @Test func aRunWithoutAFolderGetsOne() throws {
        var harness = Harness.open(prompt: "Tom and Mia")
        harness.command("finetune \(Harness.root)/Samples/pirate.txt sequence-length=16 batch-size=1 steps=1")
        let training = try #require(harness.session.training)
        defer { try? FileManager.default.removeItem(atPath: training.folder) }
        #expect(training.phase == .finished && training.folder.hasPrefix(NSTemporaryDirectory() + "mica-pirate-lora-"))
        #expect(training.notes.contains { $0.text.contains(training.folder) })
        #expect(FileManager.default.fileExists(atPath: training.folder + "/log.jsonl"))
    }

    // MARK: the form

    @Test func theFormListsEverySettingAndBeginsTheRun() throws {
        var harness = Harness.open(prompt: "Tom and Mia", size: Size(160, 48))
        harness.keys("f")
        #expect(harness.session.overlay == nil)
        harness.keys("8 f")
        var seen = ""
        for _ in FinetuneBox.names {
            seen += harness.text
            harness.keys("j")
        }
        for setting in Setting.all { #expect(seen.contains(setting.name) && seen.contains(String(setting.help.prefix(40)))) }
        let folder = NSTemporaryDirectory() + "mica-train-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, value) in [
            ("data", "\(Harness.root)/Samples/pirate.txt"), ("out", folder), ("steps", "1"), ("sequence-length", "16"), ("batch-size", "1"),
        ] {
            harness.session.overlay = .finetune(selection: FinetuneBox.names.firstIndex(of: name) ?? 0)
            harness.keys("Enter C-u")
            harness.type("finetune-set \(name) \(value)")
            harness.keys("Enter")
            #expect(harness.session.finetune.value(name) == value)
        }
        harness.session.overlay = .finetune(selection: FinetuneBox.names.firstIndex(of: "method") ?? 0)
        harness.keys("Enter")
        #expect(harness.session.finetune.value("method") == "qlora")
        harness.keys("d Home Enter")
        #expect(harness.session.training?.phase == .finished && harness.session.overlay == nil)
    }

    // MARK: looks

    /// The same numbers on every machine: clock and memory are given.
    static func steady(_ harness: inout Harness) {
        for index in harness.session.training?.points.indices ?? 0..<0 {
            harness.session.training?.points[index].seconds = 0.25 + 0.01 * Double(index * 7 % 5)
            harness.session.training?.points[index].memory = (180 + index * 3 % 7) << 20
        }
        harness.session.finetune.data = "Samples/pirate.txt"
        harness.session.finetune.out = "runs/pirate"
        harness.session.finetune.values["validation"] = "held-back.txt"
        harness.session.training?.notes.removeAll { $0.text.contains("folder is") }
    }

    @Test(arguments: ["paused", "walk", "update", "chat", "form", "weight", "labels"])
    func looksAsItDid(_ name: String) throws {
        for size in [Size(60, 16), Size(80, 24), Size(160, 48)] {
            let isChat = name == "chat" || name == "labels"
            let length = isChat ? "sequence-length=160 until=2 too-long=truncate" : "until=12 validation=VALIDATION validate-every=4"
            let run = Run(
                "steps=30 warmup=4 schedule=cosine lr=0.0003 max-grad-norm=40 \(length)", data: isChat ? "sft-chat.jsonl" : "pirate.txt",
                size: size)
            switch name {
            case "walk":
                run.harness.keys("Enter Tab l l l")
                run.harness.command("run")
            case "update": run.harness.keys("Enter > >")
            case "chat":
                run.harness.keys("Enter Tab j")
                run.harness.command("run")
            case "weight": run.harness.keys("Tab Tab } ] l l j")
            case "labels":
                run.harness.command("labels")
                run.harness.keys("j")
            case "form": run.harness.keys("f j j j j j j")
            default: break
            }
            Self.steady(&run.harness)
            try ScreenGolden.compare(run.harness.draw(), "train-\(name)-\(size.width)x\(size.height)")
        }
    }
}
