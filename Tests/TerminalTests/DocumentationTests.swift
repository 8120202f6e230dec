import Foundation
import Testing
import Training
import mica

/// The README's table of subcommands is what the program says of itself.
struct SubcommandTableTests {
    @Test func readmeHasTheSubcommands() throws {
        let file = URL(fileURLWithPath: CommandLineTests.root + "/README.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let start = try #require(text.range(of: "<!-- subcommands: made by the program, held to it by a test -->\n"))
        let end = try #require(text.range(of: "<!-- /subcommands -->"))
        let updated = text[..<start.upperBound] + Documentation.subcommandTable + "\n" + text[end.lowerBound...]
        if ProcessInfo.processInfo.environment["MICA_UPDATE"] != nil { try Data(updated.utf8).write(to: file) }
        #expect(text == updated, "run MICA_UPDATE=1 swift test --filter readmeHasTheSubcommands")
    }
}

/// The catalogue of a finetune's settings, the options of the command and the README are one.
struct FinetuneOptionTests {
    @Test func everySettingIsAnOption() { #expect(Documentation.settingOptions == Setting.all.map(\.name)) }

    /// What the README shows of `mica finetune` is understood: it fails at what it is to read, not at how it is called.
    @Test func readmesFinetunesParse() throws {
        let text = try String(contentsOfFile: CommandLineTests.root + "/README.md", encoding: .utf8)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("mica finetune ") }
        #expect(lines.count >= 3)
        let out = FileManager.default.temporaryDirectory.appendingPathComponent("mica-readme-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: out) }
        for (number, line) in lines.enumerated() {
            let words = line.split(separator: " ").dropFirst().map { word in
                word.hasPrefix("Samples/fables") ? "/nowhere/model" : word.hasPrefix("runs/") ? "\(out.path)/runs/\(number)" : String(word)
            }
            let outcome = try CommandLineTests.run(words)
            #expect(outcome.code == 1 && outcome.errors.contains("/nowhere/model"), "\(line): \(outcome.errors)")
        }
    }

    @Test func readmeHasTheSettings() throws {
        let file = URL(fileURLWithPath: CommandLineTests.root + "/README.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let start = try #require(text.range(of: "<!-- settings: made by the program, held to it by a test -->\n"))
        let end = try #require(text.range(of: "<!-- /settings -->"))
        let updated = text[..<start.upperBound] + Documentation.settingTable + "\n" + text[end.lowerBound...]
        if ProcessInfo.processInfo.environment["MICA_UPDATE"] != nil { try Data(updated.utf8).write(to: file) }
        #expect(text == updated, "run MICA_UPDATE=1 swift test --filter readmeHasTheSettings")
    }

    @Test(arguments: [
        (["finetune", CommandLineTests.llama], "--out RUN"), (["finetune", "--resume", "x", "--lr", "1"], "takes everything from the run"),
        (["finetune", CommandLineTests.llama, "--data", "x.txt", "--out", "/tmp/x", "--lr", "much"], "--lr must be a number"),
    ])
    func wrongUseIsTold(_ arguments: [String], _ part: String) throws {
        let outcome = try CommandLineTests.run(arguments)
        #expect(outcome.code != 0 && outcome.errors.contains(part), "\(outcome.errors)")
    }
}
