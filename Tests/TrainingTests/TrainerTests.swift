import Engine
import Foundation
import Models
import Tensors
import Testing

@testable import Training

/// A run is the same numbers however it is walked, cut and counted.
struct TrainerTests {
    static let variants: [[String: String]] = [
        ["method": "full"], ["method": "lora", "rank": "3", "lora-dropout": "0.2"],
        ["method": "lora", "rank": "2", "embedding-ratio": "0.1", "optimizer": "adamw8bit"],
        ["method": "full", "optimizer": "sgd", "momentum": "0.9"], ["method": "qlora", "rank": "2", "heads": "2", "packing": "on"],
    ].map { $0.merging(["steps": "3", "lr": "0.01", "batch-size": "3"]) { $1 } }

    @Test(arguments: Tiny.Kind.allCases, variants) func threadsChangeNoBit(_ kind: Tiny.Kind, _ values: [String: String]) throws {
        let tiny = try Tiny(kind)
        let settings = try TrainingSettings(values)
        var one = try Trainer(tiny.job(settings, threads: 1))
        var two = try Trainer(tiny.job(settings, threads: 2))
        #expect(try one.losses() == two.losses())
        #expect(try one.bits() == two.bits())
    }

    /// Halting before every op, going back one and forward again, changes nothing; the update's parts can be looked at.
    @Test(arguments: variants) func walkingChangesNoBit(_ values: [String: String]) throws {
        let tiny = try Tiny()
        let job = try tiny.job(try TrainingSettings(values))
        var straight = try Trainer(job)
        let losses = try straight.losses()
        var walked = try Trainer(job)
        walked.watching = true
        var seen: Set<String> = []
        var found: [Double] = []
        while walked.phase != .finished {
            if let report = try walked.advance() { found.append(report.loss) }
            if let stepper = walked.stepper, let cursor = Optional(stepper.cursor), cursor > 0 {
                let id = stepper.program.steps[cursor - 1].output
                seen.insert(stepper.program.values[id].name)
                #expect(stepper.statistics(id) != nil)
            }
            if walked.stepBack() { try walked.advance() }
        }
        #expect(found == losses)
        #expect(try walked.bits() == straight.bits())
        let name = try #require(job.parameters.first?.name)
        #expect(seen.isSuperset(of: ["loss", "grad:\(name)", "update:\(name)", "new:\(name)"]))
        #expect(seen.contains("adam.v:\(name)") == (values["optimizer"] != "sgd"))
    }

    /// Four micro-batches of one row are one of four rows, as the denominator is the step's; the mean of means is something else.
    @Test func accumulationIsTheBatch() throws {
        let tiny = try Tiny()
        func run(_ batch: Int, _ accumulation: Int, _ denominator: String) throws -> ([Double], [String: [UInt32]]) {
            var trainer = try Trainer(
                tiny.job(
                    TrainingSettings([
                        "method": "full", "steps": "3", "batch-size": "\(batch)", "accumulation": "\(accumulation)",
                        "denominator": denominator,
                    ])))
            return (try trainer.losses(), try trainer.bits())
        }
        let (whole, parts) = (try run(4, 1, "tokens"), try run(1, 4, "tokens"))
        #expect(whole.0 == parts.0 && whole.1 == parts.1)
        #expect(try run(4, 1, "means").0 == whole.0)
        #expect(try run(1, 4, "means").0 != whole.0)
    }

    /// Documents in one row do not see each other: the same tokens have the same losses and gradients as in rows of their own.
    @Test(arguments: Tiny.Kind.allCases) func packedRowsAreSeparateTexts(_ kind: Tiny.Kind) throws {
        let tiny = try Tiny(kind)
        func first(_ packing: String) throws -> StepReport {
            var trainer = try Trainer(
                tiny.job(
                    TrainingSettings([
                        "method": "full", "steps": "1", "batch-size": "8", "shuffle": "off", "packing": packing, "sequence-length": "32",
                    ])))
            return try #require(try trainer.finishStep())
        }
        let (packed, apart) = (try first("on"), try first("off"))
        #expect(packed.tokens == apart.tokens)
        #expect(abs(packed.loss - apart.loss) < 1e-6 * apart.loss)
        #expect(abs(packed.gradNorm - apart.gradNorm) < 1e-5 * apart.gradNorm)
    }

    /// An adapter begins as nothing: its first loss is the model's own. Frozen layers and modules that no target names have none.
    @Test func adaptersBeginAsNothing() throws {
        let tiny = try Tiny()
        let base = ["steps": "1", "batch-size": "8", "shuffle": "off"]
        func trainer(_ values: [String: String]) throws -> Trainer { try Trainer(tiny.job(TrainingSettings(base.merging(values) { $1 }))) }
        var full = try trainer(["method": "full"])
        var lora = try trainer(["method": "lora", "targets": "q_proj,mlp.down_proj", "freeze": "0"])
        #expect(try full.finishStep()?.loss == lora.finishStep()?.loss)
        let names = lora.job.parameters.map(\.name)
        #expect(names.count == 4)
        #expect(names.allSatisfy { $0.hasPrefix("model.layers.1.") && ($0.contains("q_proj.lora_") || $0.contains("down_proj.lora_")) })
    }

    @Test func clippingShortensTheGradient() throws {
        let tiny = try Tiny()
        let base = ["method": "full", "steps": "1", "optimizer": "sgd", "lr": "1", "schedule": "constant"]
        func run(_ limit: String) throws -> (Trainer, StepReport) {
            var trainer = try Trainer(tiny.job(TrainingSettings(base.merging(["max-grad-norm": limit]) { $1 })))
            let report = try trainer.finishStep()
            return (trainer, try #require(report))
        }
        let (clipped, report) = try run("0.5")
        #expect(report.gradNorm > 0.5)
        var length = 0.0
        for parameter in clipped.job.parameters {
            let (old, new) = (try clipped.job.model.weight(parameter.name).floats(), try clipped.model.weight(parameter.name).floats())
            length += zip(old, new).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        }
        #expect(abs(length.squareRoot() - 0.5) < 1e-4)
    }

    /// A run whose loss is not a number stands before the update, on the step that made it.
    @Test func notANumberStopsBeforeTheUpdate() throws {
        let tiny = try Tiny()
        var trainer = try Trainer(
            tiny.job(TrainingSettings(["method": "full", "steps": "50", "lr": "1e18", "schedule": "constant", "max-grad-norm": "0"])))
        var done = 0
        while try trainer.finishStep() != nil { done += 1 }
        guard case .stopped(.nonFinite(let step, _)) = trainer.phase else { return #expect(Bool(false), "\(trainer.phase)") }
        #expect(step == done + 1 && trainer.state.step == done)
        #expect(trainer.work?.gradients.isEmpty == false)
    }

    @Test func spikesAndPlateausAreSeen() throws {
        let calm = (0..<20).map { 2 + 0.01 * Double($0 % 2) }
        let rules = StopRules(try TrainingSettings(["stop-spike": "5", "stop-plateau": "4"]))
        #expect(rules.before(step: 21, loss: 2.02, gradNorm: 1, earlier: calm) == nil)
        #expect(rules.before(step: 21, loss: 2.2, gradNorm: 1, earlier: calm) != nil)
        #expect(rules.before(step: 6, loss: 9, gradNorm: 1, earlier: Array(calm.prefix(5))) == nil)
        #expect(rules.before(step: 1, loss: .nan, gradNorm: 1, earlier: []) != nil)
        #expect(rules.before(step: 1, loss: 1, gradNorm: .infinity, earlier: []) != nil)
        #expect(rules.after(step: 8, losses: [4, 4, 4, 4, 3, 3, 3, 3]) == nil)
        #expect(rules.after(step: 8, losses: [3, 3, 3, 3, 3, 3, 3, 3]) != nil)
        #expect(rules.after(step: 7, losses: [3, 3, 3, 3, 3, 3, 3]) == nil)
    }

    // MARK: settings

    @Test(arguments: Setting.all.map(\.name)) func settingsTakeTheirDefaultAndRefuseNonsense(_ name: String) throws {
        let setting = try #require(Setting.find(name))
        var settings = TrainingSettings()
        try setting.set(setting.standard, in: &settings)
        #expect(settings == TrainingSettings())
        #expect(setting.help.hasSuffix(".") && setting.help.count > 20)
        #expect(Setting.all.filter { $0.name == name }.count == 1)
        let nonsense: [String]
        switch setting.form {
        case .text: nonsense = []
        case .choice, .flag: nonsense = ["", "perhaps", "1"]
        case .integer: nonsense = ["", "x", "-1", "1.5", "99999999999999999999"]
        case .real: nonsense = ["", "x", "-1", "nan", "inf"]
        }
        for text in nonsense { #expect(throws: SettingError.self) { try setting.set(text, in: &settings) } }
    }

    @Test(arguments: [
        (["method": "full", "adapter": "x"], "--adapter needs"), (["freeze": "7"], "--freeze"), (["freeze": "1-0"], "--freeze"),
        (["targets": "nose"], "nose"), (["freeze": "0-1"], "no module is left"),
    ])
    func settingsThatDoNotFitAreRefused(_ values: [String: String], _ part: String) throws {
        let tiny = try Tiny()
        do {
            _ = try tiny.job(TrainingSettings(values))
            #expect(Bool(false), "was taken")
        } catch { #expect("\(error)".contains(part), "\(error)") }
    }
}

/// Preferences: closed forms, slopes, and what transformers and PEFT computed.
struct PreferenceTests {
    typealias Pair = (chosen: Preference.Answer, rejected: Preference.Answer)

    private func pairs(_ moved: Double = 0, _ place: Int = 0) -> [Pair] {
        let losses = [[3.5, 7.25], [12.0, 4.0]].enumerated().map { row, pair in
            pair.enumerated().map { $1 + (row * 2 + $0 == place ? moved : 0) }
        }
        return losses.map {
            (Preference.Answer(loss: $0[0], count: 4, reference: 5), Preference.Answer(loss: $0[1], count: 7, reference: 6))
        }
    }

    /// At the begin a model prefers nothing more than itself: log 2, whatever β.
    @Test(arguments: [0.1, 1, 5]) func dpoBeginsAtLogTwo(_ beta: Double) {
        let answer = Preference.Answer(loss: 3.25, count: 5, reference: 3.25)
        let value = Preference(.dpo, beta: beta).value([(answer, answer), (answer, answer)])
        #expect(abs(value.loss - log(2)) < 1e-15)
        #expect(value.chosen.allSatisfy { abs($0 - beta / 4) < 1e-15 } && value.margin == 0)
    }

    /// Answers equally likely a token: the odds are equal, and the cost is the mean loss and λ·log 2.
    @Test func orpoOfEqualAnswers() {
        let value = Preference(.orpo, beta: 0.3).value([
            (Preference.Answer(loss: 6, count: 3), Preference.Answer(loss: 8, count: 4))
        ])
        #expect(abs(value.loss - (2 + 0.3 * log(2))) < 1e-14)
    }

    @Test(arguments: [TrainingSettings.Method.dpo, .orpo, .reward], 0..<4) func slopesEqualDifferences(
        _ method: TrainingSettings.Method, _ place: Int
    ) {
        let rule = Preference(method, beta: 0.7)
        let step = 1e-5
        let difference = (rule.value(pairs(step, place)).loss - rule.value(pairs(-step, place)).loss) / (2 * step)
        let value = rule.value(pairs())
        let slope = place % 2 == 0 ? value.chosen[place / 2] : value.rejected[place / 2]
        #expect(abs(slope - difference) < 1e-8)
        #expect(abs(slope) > 1e-4)
    }

    @Test func extremesStayFinite() {
        for method in [TrainingSettings.Method.dpo, .orpo, .reward] {
            for losses in [(1e-9, 900.0), (900.0, 1e-9)] {
                let pair = (Preference.Answer(loss: losses.0, count: 1), Preference.Answer(loss: losses.1, count: 1))
                let value = Preference(method, beta: 1).value([pair])
                #expect(value.loss.isFinite && (value.chosen + value.rejected).allSatisfy(\.isFinite), "\(method) \(losses)")
            }
        }
    }
}
