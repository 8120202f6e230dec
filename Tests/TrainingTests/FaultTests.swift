import Engine
import Foundation
import Testing

@testable import Training

/// The process is killed at, or told of a failure by, every system call of a save, by strace's injection. The last complete checkpoint
/// holds, and the run ends with the numbers of an undisturbed one.
struct FaultTests {
    /// The `mica` that was built with the tests; nil if it was not.
    static let program: String? = {
        if let named = ProcessInfo.processInfo.environment["MICA_TEST_PROGRAM"] { return named }
        var folder = URL(fileURLWithPath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/")
        for argument in [folder.path] + CommandLine.arguments where argument.hasPrefix("/") {
            folder = URL(fileURLWithPath: argument)
            while folder.path.count > 1 {
                folder.deleteLastPathComponent()
                var isFolder: ObjCBool = false
                let candidate = folder.appendingPathComponent("mica").path
                if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder), !isFolder.boolValue { return candidate }
            }
        }
        return nil
    }()

    /// Whether strace may trace here.
    static let canTrace: Bool = {
        guard program != nil, let outcome = try? run("/usr/bin/strace", ["-f", "-e", "trace=none", "/bin/true"]) else { return false }
        return outcome.code == 0
    }()

    struct Outcome {
        let code: Int32
        let errors: String
    }

    static func run(_ program: String, _ arguments: [String]) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        let errors = Pipe()
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
        try process.run()
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let signal = process.terminationReason == .uncaughtSignal
        return Outcome(
            code: signal ? 128 + process.terminationStatus : process.terminationStatus, errors: String(decoding: text, as: UTF8.self))
    }

    /// Files of the last checkpoint, and losses; memory and seconds differ from run to run.
    private static func result(_ run: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in ["adapter_model.safetensors", "optimizer.safetensors"] {
            files[name] = try Data(contentsOf: URL(fileURLWithPath: "\(run)/step-4/\(name)"))
        }
        let log = try String(contentsOfFile: "\(run)/log.jsonl", encoding: .utf8)
        files["log"] = Data(
            log.split(separator: "\n").map { $0.prefix { $0 != "l" } + "|" + ($0.split(separator: ",").dropFirst().first ?? "") }.joined()
                .utf8)
        return files
    }

    enum Fault: String, CaseIterable, Sendable {
        case kill = "signal=KILL", full = "error=ENOSPC", broken = "error=EIO"
    }

    @Test(
        .enabled(if: canTrace, "needs strace and leave to trace, and the program beside the tests"),
        arguments: ["pwrite64", "fsync", "rename"], Fault.allCases)
    func everyCallOfASaveMayFail(_ call: String, _ fault: Fault) throws {
        let program = try #require(FaultTests.program)
        let tiny = try Tiny()
        let arguments = [
            "finetune", tiny.model, "--data", tiny.data, "--out", tiny.out, "--steps", "4", "--save-every", "2", "--rank", "1", "--targets",
            "q_proj", "--freeze", "0", "--lora-dropout", "0.1", "--threads", "1",
        ]
        #expect(try FaultTests.run(program, arguments).code == 0)
        let expected = try FaultTests.result(tiny.out)
        // As it was when the checkpoint of step 2 was complete.
        try FileManager.default.removeItem(atPath: "\(tiny.out)/step-4")
        let files = FileManager.default
        // A failure to note who holds the lock is no failure: the end is where two calls in a row disturb nothing.
        var (calls, undisturbed) = (0, 0)
        for number in 1...200 where undisturbed < 2 {
            let copy = "\(tiny.scratch.path)/copy"
            try? files.removeItem(atPath: copy)
            try files.copyItem(atPath: tiny.out, toPath: copy)
            let inject = "inject=\(call):\(fault.rawValue):when=\(number)"
            let disturbed = try FaultTests.run(
                "/usr/bin/strace", ["-f", "-qq", "-o", "/dev/null", "-e", inject, program, "finetune", "--resume", copy, "--threads", "1"])
            undisturbed = disturbed.code == 0 ? undisturbed + 1 : 0
            if disturbed.code == 0 { continue }
            calls = number
            if fault != .kill { #expect(disturbed.code == 1 && disturbed.errors.contains("mica: "), "\(disturbed.errors)") }
            let resumed = try FaultTests.run(program, ["finetune", "--resume", copy, "--threads", "1"])
            #expect(resumed.code == 0, "\(inject): \(resumed.errors)")
            #expect(try FaultTests.result(copy) == expected, "\(inject)")
            let left = try files.contentsOfDirectory(atPath: copy).filter { $0.hasPrefix(".") }
            #expect(left.isEmpty, "\(inject): \(left)")
        }
        #expect(calls >= 4, "\(call) was called \(calls) times only")
    }
}
