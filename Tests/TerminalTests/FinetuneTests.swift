import Foundation
import Screen
import Testing

extension RealTerminal {
    /// A finetune in the workbench: begun, paused, walked into, gone on with, left by quitting and resumed from its folder.
    @Suite(.serialized) struct Finetunes {
        private static let settings = ["sequence-length": "24", "batch-size": "2", "seed": "3", "lora-dropout": "0.1"]
        private static let data = CommandLineTests.root + "/Samples/pirate.txt"

        /// The losses of a log as they are written there: seventeen digits, every bit.
        private static func losses(_ folder: String) throws -> [String] {
            try String(contentsOfFile: folder + "/log.jsonl", encoding: .utf8).split(separator: "\n").map { line in
                let step = try #require(line.firstMatch(of: /"step": ?([0-9]+)/))
                let loss = try #require(line.firstMatch(of: /"loss": ?([0-9.eE+-]+)/))
                return "\(step.1) \(loss.1)"
            }
        }

        @Test func aDisturbedRunHasTheLossesOfAnUndisturbedOne() throws {
            let folder = NSTemporaryDirectory() + "mica-finetune-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let options = Self.settings.flatMap { ["--\($0.key)", $0.value] } + ["--steps", "8"]
            let whole = try CommandLineTests.run(
                ["finetune", CommandLineTests.llama, "--data", Self.data, "--out", folder + "/whole"] + options)
            #expect(whole.code == 0, "\(whole.errors)")

            try disturb(folder + "/part", Self.settings.map { "\($0.key)=\($0.value)" }.joined(separator: " ") + " steps=8 until=2")
            #expect(try Self.losses(folder + "/part").count == 3)
            let resumed = try CommandLineTests.run(["finetune", "--resume", folder + "/part"])
            #expect(resumed.code == 0, "\(resumed.errors)")
            let losses = try Self.losses(folder + "/whole")
            #expect(losses.count == 8)
            #expect(try Self.losses(folder + "/part") == losses)
        }

        /// What a run has saved is opened beside the base: compared by `generate`, switched in the workbench.
        @Test func anAdapterIsComparedAndSwitched() throws {
            let folder = NSTemporaryDirectory() + "mica-finetune-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let options = Self.settings.flatMap { ["--\($0.key)", $0.value] } + ["--steps", "2", "--lr", "0.02"]
            _ = try CommandLineTests.run(["finetune", CommandLineTests.llama, "--data", Self.data, "--out", folder] + options)
            let prompt = ["generate", CommandLineTests.llama, "--prompt", "Tom and Mia", "--max-tokens", "6"]
            let (base, adapted) = (
                try CommandLineTests.run(prompt).output, try CommandLineTests.run(prompt + ["--adapter", folder + "/step-2"]).output
            )
            let both = try CommandLineTests.run(prompt + ["--adapter", folder + "/step-2", "--compare-base"])
            #expect(both.output == "base:\n\(base)\nadapter:\n\(adapted)\n" && base != adapted)

            let session = try TerminalSession(size: Size(160, 48), arguments: [CommandLineTests.llama, "--adapter", folder + "/step-2"])
            session.waitForRun()
            session.wait(for: "the adapter's name") { $0.text.contains("+ step-2 on") }
            session.type(":adapter off\r")
            session.wait(for: "what it changed") { $0.text.contains("+ step-2 off") && $0.text.contains("steps again") }
            session.type(":q\r")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        private func disturb(_ folder: String, _ settings: String) throws {
            let session = try TerminalSession(size: Size(160, 48), arguments: [CommandLineTests.llama])
            session.waitForRun()
            session.type(":finetune \(Self.data) out=\(folder) \(settings)\r")
            session.wait(for: "pause after step 2") { $0.text.contains("step 2/8") && $0.text.contains("paused") }
            session.type("\r")
            session.wait(for: "the batch of step 3") { $0.text.contains("Batch of step 3") && $0.text.contains("row 1/2") }
            session.type("1sssS")
            session.wait(for: "two ops") { $0.text.contains("‖ 2/") }
            session.type("4 ")
            session.wait(for: "the end of the row") { $0.text.contains("■") }
            session.type("8>")
            session.wait(for: "the second row") { $0.text.contains("row 2/2") }
            session.type("X")
            session.wait(for: "the run again") { $0.text.contains("paused") }
            session.type("n")
            session.wait(for: "step 3") { $0.text.contains("step 3/8") && $0.text.contains("paused") }
            session.type(":q\r")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }
    }
}
