import Checkpoints
import Engine
import Foundation
import StrictJSON
import Testing

@testable import Training

/// A run that is killed with SIGKILL at random moments, and gone on with each time, ends with the bits of one that nobody disturbed.
/// MICA_KILLS sets how often each kind of run is killed.
struct KillTests {
    private static let kills = ProcessInfo.processInfo.environment["MICA_KILLS"].flatMap { Int($0) } ?? 5

    /// Everything that chance or a sum over several parts could disturb.
    static let variants: [[String]] = [
        ["--method", "lora", "--rank", "3", "--lora-dropout", "0.3", "--batch-size", "1", "--accumulation", "4"],
        [
            "--method", "qlora", "--rank", "400", "--targets", "q_proj", "--optimizer", "adamw8bit", "--packing", "--batch-size", "1",
            "--heads", "1",
        ],
    ]

    private static func start(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments + ["--threads", "2"]
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        return process
    }

    /// The files of the last checkpoint, and of each step what it came to.
    private static func result(_ run: String) throws -> [String: Data] {
        let last = "\(run)/step-24"
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: last) {
            files[name] = try Data(contentsOf: URL(fileURLWithPath: "\(last)/\(name)"))
        }
        let lines = try String(contentsOfFile: "\(run)/log.jsonl", encoding: .utf8).split(separator: "\n")
        for line in lines {
            let row = try #require(try StrictJSON.parse(Array(line.utf8)).object)
            let numbers = ["loss", "lr", "grad_norm"].map { row[$0]?.number?.double.bitPattern ?? 0 }
            let step = try #require(row["step"]?.integer)
            #expect(files.updateValue(Data("\(numbers)".utf8), forKey: "step \(step)") == nil, "step \(step) has two lines")
        }
        return files
    }

    @Test(.enabled(if: FaultTests.program != nil, "needs the program beside the tests"), arguments: variants)
    func anyMomentMayBeTheLast(_ variant: [String]) throws {
        let program = try #require(FaultTests.program)
        let tiny = try Tiny()
        let settings = ["--steps", "24", "--save-every", "3", "--lr", "0.01", "--seed", "5"]
        func new(_ out: String) -> [String] { ["finetune", tiny.model, "--data", tiny.data, "--out", out] + settings + variant }
        let whole = "\(tiny.scratch.path)/whole"
        let began = ContinuousClock.now
        let undisturbed = try KillTests.start(program, new(whole))
        undisturbed.waitUntilExit()
        let length = (ContinuousClock.now - began) / .seconds(1)
        #expect(undisturbed.terminationStatus == 0)
        let expected = try KillTests.result(whole)
        #expect(expected.keys.filter { $0.hasPrefix("step ") }.count == 24)
        var random = SplitMix64(state: 1)
        var killed = 0
        for number in 0..<KillTests.kills {
            let out = "\(tiny.scratch.path)/run-\(number)"
            let process = try KillTests.start(program, new(out))
            Thread.sleep(forTimeInterval: length * Double(random.below(1000)) / 1000)
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            killed += process.terminationReason == .uncaughtSignal ? 1 : 0
            // Where not even its description was written there is nothing to go on with.
            let isThere = FileManager.default.fileExists(atPath: "\(out)/\(RunFolder.description)")
            let resumed = try KillTests.start(program, isThere ? ["finetune", "--resume", out] : new(out))
            resumed.waitUntilExit()
            #expect(resumed.terminationStatus == 0, "kill \(number)")
            let found = try KillTests.result(out)
            #expect(found.keys.sorted() == expected.keys.sorted())
            for (name, bytes) in expected { #expect(found[name] == bytes, "kill \(number): \(name)") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: out).allSatisfy { !$0.hasPrefix(".") })
            try FileManager.default.removeItem(atPath: out)
        }
        #expect(killed * 2 >= KillTests.kills, "\(killed) of \(KillTests.kills) were still running")
    }
}

/// A disk that lets nobody write says so before any training.
struct ReadOnlyTests {
    /// A shell in a mount namespace of its own, as whoever may have one.
    private static let unshare: [String]? = [["-m"], ["-rm"]].first { options in
        guard let folder = try? Scratch() else { return false }
        let outcome = try? FaultTests.run("/usr/bin/unshare", options + ["sh", "-c", frozen(folder.path, "true")])
        return outcome?.code == 0
    }

    private static func frozen(_ folder: String, _ command: String) -> String {
        "mount --bind '\(folder)' '\(folder)' && mount -o remount,ro,bind '\(folder)' && \(command)"
    }

    @Test(
        .enabled(if: FaultTests.program != nil && unshare != nil, "needs the program beside the tests and leave to mount"),
        arguments: [false, true])
    func aReadOnlyMountIsSaidAtOnce(_ resumes: Bool) throws {
        let program = try #require(FaultTests.program)
        let tiny = try Tiny()
        let disk = "\(tiny.scratch.path)/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let new = "finetune '\(tiny.model)' --data '\(tiny.data)' --out '\(disk)/run' --steps 2 --save-every 1"
        if resumes {
            #expect(try FaultTests.run("/bin/sh", ["-c", "'\(program)' \(new) --rank 1"]).code == 0)
            try FileManager.default.removeItem(atPath: "\(disk)/run/step-2")
        }
        let command = resumes ? "finetune --resume '\(disk)/run'" : new
        let before = FileManager.default.subpaths(atPath: disk)
        let outcome = try FaultTests.run(
            "/usr/bin/unshare", (ReadOnlyTests.unshare ?? []) + ["sh", "-c", ReadOnlyTests.frozen(disk, "exec '\(program)' \(command)")])
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("Read-only file system") && outcome.errors.contains("Choose another folder"), "\(outcome.errors)")
        #expect(!outcome.errors.contains("step 1"))
        #expect(FileManager.default.subpaths(atPath: disk) == before)
    }
}
