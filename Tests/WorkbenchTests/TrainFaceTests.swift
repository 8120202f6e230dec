import Engine
import Foundation
import Models
import Screen
import Testing
import Training

@testable import Workbench

/// What the Train and Tokens screens show of a run's weights, rows and losses.
@Suite struct TrainFaceTests {
    private static func number(_ run: TrainTests.Run, _ part: TrainedQuestion.Part) throws -> Float {
        guard case .trained(.number(let number?))? = run.harness.session.answers[run.harness.session.trainedNumberRequest(part)] else {
            Issue.record("the number has not come")
            return .nan
        }
        return Float(number)
    }

    // MARK: weights

    /// The picture of the update is of what the optimizer added: weight before + update = weight after, to the bit.
    @Test(arguments: ["method=lora", "method=full optimizer=sgd momentum=0.9", "method=full optimizer=adamw8bit weight-decay=0.1"])
    func theUpdateIsWhatWasAdded(_ settings: String) throws {
        let run = TrainTests.Run("steps=3 until=1 \(settings)", size: Size(160, 48))
        run.harness.keys("Tab Tab } l l j")
        #expect(
            run.harness.session.isTrainedFocused
                && run.harness.session.train.cell == Point(2, run.harness.session.trainedWeight?.rows == 1 ? 0 : 1))
        let before = try Self.number(run, .weight)
        run.harness.keys("n")
        let (added, after) = (try Self.number(run, .update), try Self.number(run, .weight))
        #expect(added != 0 && before + added == after)
        let pictures = try TrainedQuestion.Part.allCases.map { try #require(run.harness.session.trainedPicture($0)) }
        #expect(pictures.map(\.step) == [2, 2] && pictures[0].norm == pictures[1].weightNorm)
        #expect(run.harness.text.contains(Numbers.exact(after)) && run.harness.text.contains(Numbers.signed(Double(added), digits: 4)))
    }

    /// The grid is the weight's, reduced: of a weight that fits, number by number.
    @Test func thePictureIsTheWeight() throws {
        let run = TrainTests.Run("steps=2 until=1 method=lora rank=4 targets=q_proj", size: Size(200, 60))
        run.harness.keys("z Tab Tab")
        let picture = try #require(run.harness.session.trainedPicture(.weight))
        #expect(picture.grid.rows == 4 && picture.grid.columns == 128)
        for key in ["g g", "l l l", "j j", "End"] {
            run.harness.keys(key)
            let cell = run.harness.session.train.cell
            #expect(try Self.number(run, .weight) == picture.grid.values[cell.y * 128 + cell.x])
        }
        #expect(run.harness.session.train.cell == Point(127, 2))
    }

    @Test func weightsAreChosenByKeysAndByName() throws {
        let run = TrainTests.Run("steps=1", size: Size(80, 24))
        let weights = try run.training.weights
        run.harness.keys("} } {")
        #expect(run.harness.session.train.weight == 1)
        run.harness.command("train-weight layers.2.mlp.up_proj.lora_B")
        #expect(run.harness.session.trainedWeight?.name == "model.layers.2.mlp.up_proj.lora_B.weight")
        run.harness.keys("Tab Tab [")
        #expect(run.harness.session.trainedWeight?.name == "model.layers.1.mlp.up_proj.lora_B.weight")
        run.harness.keys("G")
        #expect(run.harness.session.train.cell == Point(15, (run.harness.session.trainedWeight?.rows ?? 0) - 1))
        run.harness.command("train-weight no_such")
        #expect(run.harness.session.message?.kind == .error && weights.count == 84)
    }

    /// What would take more than half of the memory for looking is not kept, and the screen says so.
    @Test func updatesAreKeptOnlyWhereThereIsRoom() throws {
        var harness = Harness(size: Size(160, 48), budget: 1 << 20)
        harness.session.pendingPrompt = .text("Tom and Mia")
        harness.command("open \(Harness.Sample.llama.path)")
        let folder = NSTemporaryDirectory() + "mica-train-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        harness.command("finetune \(Harness.root)/Samples/pirate.txt out=\(folder) sequence-length=16 batch-size=1 steps=2 method=full")
        #expect(harness.session.training?.keepsUpdates == false)
        #expect(harness.session.trainedPicture(.weight) != nil && harness.session.trainedPicture(.update) == nil)
        #expect(harness.text.contains("updates are not kept"))
    }

    // MARK: time

    @Test(arguments: [
        (0, "0:00"), (41.6, "0:42"), (1212, "20:12"), (3725, "1:02:05"), (400_000, "4 days"), (.nan, "–"), (.infinity, "–"), (-3, "0:00"),
    ])
    func timeIsWrittenForPeople(_ seconds: Double, _ text: String) { #expect(TimeText.of(seconds) == text) }

    @Test func theRemainingTimeIsOfTheMeasuredSteps() throws {
        let run = TrainTests.Run("steps=30 until=4")
        for index in 0..<4 { run.harness.session.training?.points[index].seconds = [1, 2, 3, 6][index] }
        #expect(try run.training.secondsLeft == 3 * 26)
        #expect(run.harness.text.contains("eta 1:18"))
        run.harness.session.training?.step = 30
        #expect(try run.training.secondsLeft == nil)
    }

    // MARK: labels

    /// Without a walk too, what is shown is what the loss read: the tokens' losses add up to the step's.
    @Test(arguments: ["method=lora", "method=lora fused-loss=off", "method=full accumulation=2"])
    func theLastBatchHasTheLossesOfItsStep(_ settings: String) throws {
        let run = TrainTests.Run("steps=2 until=1 sequence-length=160 \(settings)", data: "sft-chat.jsonl")
        let (rows, readings) = (try run.training.rows, try run.training.readings)
        #expect(readings.count == rows.count)
        var sum = 0.0
        for (row, reading) in zip(rows, readings) {
            #expect(reading.ids == row.ids.dropLast(row.padding).map(Int.init))
            #expect(reading.counts == row.roles.dropLast(row.padding).map { $0 == .counts })
            sum += reading.losses.reduce(0) { $0 + Double($1 ?? 0) }
        }
        let loss = try #require(try run.training.last?.loss)
        #expect(abs(sum / Double(rows.reduce(0) { $0 + $1.counted }) - loss) < 1e-5)
        // A walk shows its own batch, and leaving it the last one again.
        run.harness.keys("Enter")
        #expect(try run.training.readings.isEmpty)
        run.harness.keys("X")
        #expect(try run.training.readings.map(\.losses) == readings.map(\.losses))
    }

    @Test func theTokensScreenShowsTheRowsOfTheRun() throws {
        let run = TrainTests.Run(
            "steps=2 until=1 sequence-length=120 too-long=truncate batch-size=3", data: "sft-chat.jsonl", size: Size(160, 48))
        run.harness.keys("7")
        for number in 0..<3 {
            if number > 0 { run.harness.keys("j") }
            let row = try #require(run.harness.session.labels)
            let token = try #require(row.roles.firstIndex(of: .counts))
            let loss = try #require(row.losses[token])
            #expect(run.harness.session.labelToken == token)
            let text = run.harness.text
            #expect(text.contains("row \(number + 1) of 3") && text.contains("targets[\(token - 1)] = \(row.ids[token])"))
            #expect(text.contains(Numbers.exact(loss)) && text.contains("line \(row.lines[0])"))
            if row.padding > 0 { #expect(text.contains("\(row.padding) padded")) }
            if row.cut > 0 { #expect(text.contains("\(row.cut) cut off")) }
        }
        #expect(try run.training.rows.contains { $0.padding > 0 } && run.training.rows.contains { $0.cut > 0 })
        run.harness.keys("v l")
        #expect(!run.harness.session.showsLabels && run.harness.text.contains("Merges"))
    }

    @Test func aPromptHasLabelsToo() throws {
        var harness = Harness.open(prompt: "Tom and Mia went", size: Size(80, 24))
        harness.command("labels")
        #expect(harness.session.page == .tokens)
        let row = try #require(harness.session.labels)
        let stepper = try #require(harness.snapshot?.stepper)
        let loss = try #require(try stepper.program.id(of: "loss").flatMap { try stepper.tensor($0)?.value(at: [0]) })
        #expect(abs(try #require(row.meanLoss) - loss) < 1e-5)
        #expect(row.roles.first == .boundary && row.counted == row.ids.count - 1)
        harness.keys("Home l")
        #expect(harness.session.labelToken == 1 && harness.text.contains("targets[0] = \(row.ids[1])"))
        harness.command("labels sideways")
        #expect(harness.session.message?.kind == .error)
        harness.command("labels off")
        #expect(!harness.session.showsLabels)
    }
}
