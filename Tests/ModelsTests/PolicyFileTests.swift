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

    @Test func aWrongRuleIsOfItsLine() throws {
        let path = try Self.file("wrong", "bf16\n* bf17\n")
        defer { unlink(path) }
        let error = try #require(Self.error(path) as? PolicyError)
        #expect(error.rule.hasPrefix("\(path), line 2: there is no format bf17"))
    }
}
