import Checkpoints
import Engine
import Foundation
import Models
import StrictJSON
import Tensors
import Testing

@testable import Training

/// A run that is saved and taken up again is the run that was never disturbed, bit by bit; what does not hold is not used.
struct ResumeTests {
    static let variants: [[String: String]] = [
        ["method": "full"], ["method": "full", "accumulation": "4", "batch-size": "1"],
        ["method": "lora", "lora-dropout": "0.3", "rank": "2"],
        ["method": "lora", "lora-dropout": "0.3", "rank": "2", "accumulation": "4", "batch-size": "1", "embedding-ratio": "0.2"],
        ["method": "lora", "rank": "3", "optimizer": "adamw8bit"], ["method": "full", "optimizer": "adamw8bit"],
        ["method": "qlora", "rank": "2", "heads": "1"], ["method": "full", "heads": "2", "accumulation": "2"],
        ["method": "full", "optimizer": "sgd", "momentum": "0.5"],
        ["method": "lora", "optimizer": "sgd", "packing": "on"],
        // Long matrices, whose moments are codes; rows of several texts.
        ["method": "lora", "rank": "400", "targets": "q_proj", "optimizer": "adamw8bit"],
        ["method": "full", "packing": "on", "batch-size": "1", "sequence-length": "30", "accumulation": "2"],
    ].map { ["steps": "20", "batch-size": "3", "lr": "0.01", "warmup": "3", "schedule": "cosine"].merging($0) { $1 } }

    /// Losses by step, from the log.
    private func log(_ path: String) throws -> [Int: Double] {
        let lines = try String(contentsOfFile: path + "/log.jsonl", encoding: .utf8).split(separator: "\n")
        let rows = try lines.map { try #require(try StrictJSON.parse(Array($0.utf8)).object) }
        let steps = rows.compactMap { $0["step"]?.integer }
        #expect(Set(steps).count == steps.count && steps == steps.sorted())
        return Dictionary(
            uniqueKeysWithValues: rows.compactMap { row in row["step"]?.integer.map { ($0, row["loss"]?.number?.double ?? .nan) } })
    }

    @Test(arguments: variants, [(1, 2), (2, 1)]) func tenAndTenAreTwenty(_ values: [String: String], _ threads: (Int, Int)) throws {
        let tiny = try Tiny()
        let settings = try TrainingSettings(values)
        let job = try tiny.job(settings, threads: threads.0)
        #expect(job.data.items.allSatisfy { !$0.example.ids.isEmpty })
        var loader = BatchLoader(job.data, job.dataSettings)
        let isPacked = loader.next()?.microBatches.contains { $0.rows.contains { $0.documents > 1 } }
        #expect(isPacked == settings.packing)
        var straight = try Trainer(job)
        let losses = try straight.losses()
        var first = try TrainingRun.new(tiny.plan(settings), in: tiny.out, policy: Policy(threads: threads.0))
        for _ in 0..<10 { _ = try first.finishStep() }
        try first.save()
        // Two more that are not saved and run again.
        for _ in 0..<2 { _ = try first.finishStep() }
        let earlier = consume first
        _ = consume earlier
        var second = try TrainingRun.resuming(tiny.out, policy: Policy(threads: threads.1))
        #expect(second.trainer.state.step == 10)
        while try second.finishStep() != nil {}
        #expect(try second.trainer.bits() == straight.bits())
        let logged = try log(tiny.out)
        #expect((1...20).map { logged[$0] } == losses.map { Optional($0) })
        #expect(second.folder.steps == [20, 10])
    }

    /// save → load → save writes the same bytes.
    @Test func savingAgainWritesTheSame() throws {
        let tiny = try Tiny()
        let settings = try TrainingSettings(["method": "lora", "rank": "2", "steps": "4", "save-every": "2"])
        var run = try TrainingRun.new(tiny.plan(settings), in: tiny.out, policy: Policy())
        _ = try run.finishStep()
        _ = try run.finishStep()
        let manifest = try #require(try run.folder.newest().manifest)
        let again = try TrainerFiles(job: run.job).trainer(manifest, in: run.folder.folder(step: 2))
        let names = try TrainerFiles(job: run.job).write(again, to: tiny.scratch.path)
        for name in names {
            let (a, b) = ("\(run.folder.folder(step: 2))/\(name)", "\(tiny.scratch.path)/\(name)")
            #expect(FileManager.default.contents(atPath: a) == FileManager.default.contents(atPath: b), "\(name)")
        }
    }

    /// Moments of 4096 numbers and more are saved as they are held, codes and the largest of each 256; what is no number is refused.
    @Test func eightBitMomentsAreSavedAsCodes() throws {
        let tiny = try Tiny()
        let settings = try TrainingSettings(["rank": "400", "targets": "q_proj", "optimizer": "adamw8bit", "steps": "2"])
        var run = try TrainingRun.new(tiny.plan(settings), in: tiny.out, policy: Policy())
        while try run.finishStep() != nil {}
        let manifest = try #require(try run.folder.newest().manifest)
        let folder = run.folder.folder(step: 2)
        let again = try TrainerFiles(job: run.job).trainer(manifest, in: folder)
        #expect(run.job.parameters.count == 4)
        for parameter in run.job.parameters {
            let (kept, read) = (run.trainer.state.moments[parameter.name] ?? [], again.state.moments[parameter.name] ?? [])
            #expect(kept.count == 2 && read.count == 2)
            for (a, b) in zip(kept, read) {
                guard case .blocks(let one) = a, case .blocks(let two) = b else { return #expect(Bool(false), "\(parameter.name)") }
                #expect(one.codes.floats() == two.codes.floats() && one.absmax.floats() == two.absmax.floats())
                #expect(one.levels == two.levels && one.absmax.elementCount == 19)
                #expect(try a.tensor(threads: 1).floats() == b.tensor(threads: 2).floats())
            }
        }
        let path = "\(folder)/\(TrainerFiles.optimizer)"
        let file = try SafetensorsFile(path: path)
        let tensors = file.entries.map { ($0, file.tensor($0)) }
        #expect(tensors.filter { $0.0.name.contains(".codes:") && $0.0.type == .u8 }.count == 8)
        var writer = try SafetensorsWriter(
            path: path, tensors: tensors.map { TensorPlan($0.0.name, $0.0.type, $0.0.dimensions) }, metadata: file.metadata)
        for (entry, tensor) in tensors {
            let isBad = entry.name.hasPrefix("adam.v.absmax:")
            try writer.write(entry.name, isBad ? Tensor(tensor.shape, tensor.floats().map { _ in .nan }) : tensor)
        }
        try writer.finish()
        do {
            _ = try TrainerFiles(job: run.job).trainer(manifest, in: folder)
            #expect(Bool(false), "was taken")
        } catch { #expect("\(error)".contains("NaN or Inf at adam.v.absmax:"), "\(error)") }
    }

    // MARK: checkpoints that do not hold

    /// A run of four steps with checkpoints at 2 and 4.
    private func finished() throws -> Tiny {
        let tiny = try Tiny()
        let settings = try TrainingSettings(["method": "lora", "rank": "2", "steps": "4", "save-every": "2"])
        var run = try TrainingRun.new(tiny.plan(settings), in: tiny.out, policy: Policy())
        while try run.finishStep() != nil {}
        return tiny
    }

    enum Damage: String, CaseIterable, Sendable {
        case truncated, flipped, noManifest, brokenManifest, missingFile, wrongStep
    }

    @Test(arguments: Damage.allCases) func damagedCheckpointsArePassedOver(_ damage: Damage) throws {
        let tiny = try finished()
        let folder = "\(tiny.out)/step-4"
        let optimizer = URL(fileURLWithPath: "\(folder)/optimizer.safetensors")
        let manifest = URL(fileURLWithPath: "\(folder)/manifest.json")
        switch damage {
        case .truncated: try Data(contentsOf: optimizer).dropLast(3).write(to: optimizer)
        case .flipped:
            var bytes = try Data(contentsOf: optimizer)
            bytes[bytes.count - 5] ^= 1
            try bytes.write(to: optimizer)
        case .noManifest: try FileManager.default.removeItem(at: manifest)
        case .brokenManifest: try Data("{\"schema\": 1".utf8).write(to: manifest)
        case .missingFile: try FileManager.default.removeItem(at: optimizer)
        case .wrongStep:
            let text = try String(contentsOf: manifest, encoding: .utf8)
            try Data(text.replacingOccurrences(of: "\"step\": 4", with: "\"step\": 2").utf8).write(to: manifest)
        }
        var run = try TrainingRun.resuming(tiny.out, policy: Policy())
        #expect(run.trainer.state.step == 2)
        #expect(run.notices.contains { $0.contains("step-4") && $0.contains("using step-2") }, "\(run.notices)")
        while try run.finishStep() != nil {}
        #expect(try #require(run.folder.newest().manifest).step == 4)
    }

    /// What is refused, and what it says.
    enum Refusal: String, CaseIterable, Sendable {
        case newer, base, data, random, rank, moments, locked, readOnly, used

        var words: String {
            switch self {
            case .newer: "newer version"
            case .base: "base"
            case .data: "has changed"
            case .random: "random numbers"
            case .rank: "rank"
            case .moments: "NaN"
            case .locked: "locked by pid \(getpid())"
            case .readOnly: "cannot be"
            case .used: "there is a run in this folder"
            }
        }
    }

    @Test(arguments: Refusal.allCases) func whatDoesNotFitIsRefused(_ refusal: Refusal) throws {
        let tiny = try finished()
        let manifest = URL(fileURLWithPath: "\(tiny.out)/step-4/manifest.json")
        var text = try String(contentsOf: manifest, encoding: .utf8)
        let before = text
        var holder: TrainingRun?
        switch refusal {
        case .newer: text = text.replacingOccurrences(of: "\"schema\": 1", with: "\"schema\": 2")
        case .random: text = text.replacingOccurrences(of: "SplitMix64", with: "dice")
        case .base:
            let file = URL(fileURLWithPath: "\(tiny.model)/model.safetensors")
            var bytes = try Data(contentsOf: file)
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: file)
        case .data:
            try Data((try String(contentsOfFile: tiny.data, encoding: .utf8) + "{\"input_ids\": [3, 4, 5]}\n").utf8).write(
                to: URL(fileURLWithPath: tiny.data))
        case .rank, .moments: text = try ResumeTests.rewritten(text, refusal, in: "\(tiny.out)/step-4")
        case .locked: holder = try TrainingRun.resuming(tiny.out, policy: Policy())
        case .readOnly, .used: break
        }
        if text != before { try Data(text.utf8).write(to: manifest) }
        do {
            if refusal == .used || refusal == .readOnly {
                _ = try TrainingRun.new(tiny.plan(TrainingSettings()), in: refusal == .used ? tiny.out : "/proc/mica-run", policy: Policy())
            } else {
                _ = try TrainingRun.resuming(tiny.out, policy: Policy())
            }
            #expect(Bool(false), "was taken")
        } catch { #expect("\(error)".contains(refusal.words), "\(error)") }
        _ = holder
        // What only changes the numbers can be asked for.
        if refusal == .data || refusal == .random {
            #expect(try TrainingRun.resuming(tiny.out, policy: Policy(), inexact: true).trainer.state.step == 4)
        }
    }

    /// A file of the checkpoint changed, with a manifest that agrees with it.
    private static func rewritten(_ text: String, _ refusal: Refusal, in folder: String) throws -> String {
        let name = refusal == .rank ? PEFTAdapter.weightsName : TrainerFiles.optimizer
        let path = "\(folder)/\(name)"
        let file = try SafetensorsFile(path: path)
        let tensors = file.entries.map { ($0.name, file.tensor($0)) }
        let old = try WholeFile.checksum(path, as: name)
        let plans = tensors.map {
            TensorPlan(
                $0.0, .f32, refusal == .rank ? (($0.0.contains("lora_A") ? [1, $0.1.shape[1]] : [$0.1.shape[0], 1])) : $0.1.shape.counts)
        }
        var writer = try SafetensorsWriter(path: path, tensors: plans, metadata: file.metadata)
        for (plan, tensor) in zip(plans, tensors) {
            var values = Array(tensor.1.floats().prefix(plan.dimensions.reduce(1, *)))
            if refusal == .moments { values[0] = .nan }
            try values.withUnsafeBytes { try writer.write(plan.name, bytes: $0) }
        }
        try writer.finish()
        let new = try WholeFile.checksum(path, as: name)
        return text.replacingOccurrences(of: old.sha256, with: new.sha256).replacingOccurrences(
            of: "\"size\": \(old.size),", with: "\"size\": \(new.size),")
    }

    @Test func leftoversAreRemovedAndOldCheckpointsGo() throws {
        let tiny = try finished()
        try FileManager.default.createDirectory(atPath: "\(tiny.out)/.tmp-step-3-99", withIntermediateDirectories: true)
        let run = try TrainingRun.resuming(tiny.out, policy: Policy())
        #expect(run.notices.contains { $0.contains(".tmp-step-3-99") })
        #expect(!FileManager.default.fileExists(atPath: "\(tiny.out)/.tmp-step-3-99"))
        let other = try Tiny()
        let settings = try TrainingSettings(["method": "lora", "rank": "1", "steps": "6", "save-every": "1", "keep": "2"])
        var kept = try TrainingRun.new(other.plan(settings), in: other.out, policy: Policy())
        while try kept.finishStep() != nil {}
        #expect(kept.folder.steps == [6, 5])
    }
}
