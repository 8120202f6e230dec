import Checkpoints
import Engine
import Foundation
import Models
import Testing

/// What a policy's name can be, and by which type of error each mistake is known.
struct PolicyFileTests {
    private static func file(_ name: String, _ text: String) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("mica-policy-\(getpid())-\(name)").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private static func error(_ word: String) -> (any Error)? {
        #expect(throws: (any Error).self) { try Policy(named: word, threads: 1) }
    }

    @Test func aWordIsAPresetAFormatOrAFile() throws {
        #expect(try Policy(named: "bf16", threads: 1).rules == Policy.Preset.bf16.rules)
        #expect(try Policy(named: "fp8e4m3", threads: 1).rules == Policy.rules(from: "* fp8e4m3"))
        let path = try Self.file("good", "bf16\n@RMSNorm fp32\n")
        defer { unlink(path) }
        #expect(try Policy(named: path, threads: 1).rules == Policy.rules(from: "bf16\n@RMSNorm fp32"))
    }

    @Test(arguments: ["bf17", "/nowhere/at.all", ""]) func whatIsNothingIsAnUnknownWord(_ word: String) {
        let error = Self.error(word)
        #expect(error is UnknownPolicy, "\(word): \(String(describing: error))")
        #expect(error.map { "\($0)" }?.contains("is neither a preset (fp64, ") == true)
    }

    @Test func aFileThatCannotBeReadSaysWhy() throws {
        let large = try Self.file("large", String(repeating: "# a remark\n", count: 100_000))
        defer { unlink(large) }
        for (word, says) in [("/tmp", "not a regular file but a folder"), (large, "file too large"), ("\(large)/x", "Not a directory")] {
            let error = try #require(Self.error(word) as? CheckpointError, "\(word)")
            #expect(error.path == word && error.rule.contains(says), "\(error)")
        }
    }

    @Test func whatIsNoTextOfRulesIsNotRead() throws {
        let path = try Self.file("bytes", "")
        defer { unlink(path) }
        for bytes in [[0x62, 0xff, 0xfe, 0x0a], Array("bf16\0\n".utf8)] {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let error = try #require(Self.error(path) as? CheckpointError)
            #expect("\(error)" == "cannot load \(path): policy: not text in UTF-8. Give a file with a line a rule, such as *.mlp.* bf16.")
        }
        #expect((Self.error("/tmp") as? CheckpointError)?.nextStep == "Give a file with a line a rule, such as *.mlp.* bf16.")
    }

    /// Names that a model has not are told, not refused: a file may be for several models.
    @Test func rulesThatFitNothingAreKnown() throws {
        let path = try Self.file("idle", "@LayerNorm fp16\n*.mlp.* bf16\n=model.layers.99 fp16\ngrad:*.w bf16\n*.nothing fp32\n")
        defer { unlink(path) }
        let model = try Sample.llama.model()
        let run = try model.stepper(ids: [1, 2], policy: Policy(named: path, threads: 1), keep: .nothing)
        #expect(
            run.policy.rules.filter { $0.isIdle(in: run.program) }.map(\.located) == [
                "\(path), line 3: =model.layers.99 fp16", "\(path), line 5: *.nothing fp32",
            ])
    }

    /// A kernel that the ops of a rule have not is an error of its line.
    @Test func aKernelOfOtherOpsIsOfItsLine() throws {
        let path = try Self.file("kernel", "bf16\nlm_head kernel flash\n")
        defer { unlink(path) }
        let (model, policy) = (try Sample.llama.model(), try Policy(named: path, threads: 1))
        let error = #expect(throws: BindingError.self) { try model.stepper(ids: [1, 2], policy: policy, keep: .nothing) }
        #expect(error?.rule.hasPrefix("\(path), line 2: lm_head kernel flash: there is no kernel flash; linear has ") == true)
    }

    @Test func aWrongRuleIsOfItsLine() throws {
        let path = try Self.file("wrong", "bf16\n* bf17\n")
        defer { unlink(path) }
        let error = try #require(Self.error(path) as? PolicyError)
        #expect(error.rule.hasPrefix("\(path), line 2: there is no format bf17"))
    }
}
