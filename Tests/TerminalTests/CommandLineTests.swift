import Foundation
import Testing
import mica

/// The subcommands as a shell runs them: what they print where, and the code they end with.
struct CommandLineTests {
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String

        /// What a terminal would obey.
        var hasControls: Bool {
            (output + errors).unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n" && $0 != "\t") || (0x7F...0x9F).contains($0.value) }
        }
        var errorLines: [Substring] { errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast() }
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path
    static let llama = "\(root)/Samples/fables-llama"

    static func mica(_ arguments: String..., input: String = "") throws -> Outcome { try run(arguments, input: input) }

    static func run(_ arguments: [String], input: String = "") throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(ProgramUnderTest.path))
        process.arguments = arguments
        process.environment = ProgramUnderTest.environment
        let (standardInput, output, errors) = (Pipe(), Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (standardInput, output, errors)
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: complaint, as: UTF8.self))
    }

    // MARK: help and errors

    @Test(arguments: Documentation.commandNames)
    func helpHasAnExample(_ command: String) throws {
        let help = try CommandLineTests.mica(command, "--help")
        #expect(help.code == 0)
        #expect(help.output.contains("USAGE: mica"))
        #expect(help.output.contains("Example: mica"))
        #expect(help.errors.isEmpty)
        #expect(!help.hasControls)
        #expect(try CommandLineTests.mica("--help").output.contains("  \(command) "))
    }

    @Test(
        arguments: [
            (["info"], 64, "Missing expected argument"), (["info", "--bogus", "x"], 64, "Unknown option '--bogus'"),
            (["info", "/no\u{1B}[31mwhere"], 1, "/no<0x1B>[31mwhere"), (["generate", llama], 64, "--prompt TEXT or --ids"),
            (["generate", llama, "--ids", "1,\u{1B}"], 64, "<0x1B>"),
            (["generate", llama, "--ids", "9999"], 1, "outside the vocabulary of 2048"),
            (["generate", llama, "--ids", "1", "--greedy", "--top-k", "3"], 64, "--greedy or"),
            (["generate", llama, "--ids", "1", "--top-p", "2"], 64, "--top-p"),
            (["generate", llama, "--ids", "1", "--compare-base"], 64, "needs --adapter"),
            (["trace", llama, "--ids", "1", "--out", "/nonexistent/x"], 1, "cannot write /nonexistent/x"),
            (["trace", llama, "--ids", "1", "--out", "/dev/null"], 1, "not a regular file"),
            (["trace", llama, "--ids", "1", "--names", "nothing", "--out", "x"], 1, "no value's name fits"),
            (["trace", llama, "--ids", "1", "--precision", "bf17", "--out", "x"], 64, "neither a preset"),
            (["stats", llama, "--ids", "1", "--precision", "\(llama)/config.json"], 1, "config.json, line 1: '{' is no preset"),
            (["stats", llama, "--ids", "1", "--precision", "/nonexistent/x"], 64, "neither a preset"),
            (["stats", llama, "--ids", "1", "--precision", llama], 1, "policy: is not a regular file but a folder"),
            (["trace", llama, "--ids", "1", "--backward", "--out", "x"], 1, "a loss needs two tokens"),
            (["stats", llama, "--ids", "1", "--json", "--tsv"], 64, "--json or --tsv"),
            (["bench", llama, "--tokens", "100000"], 64, "context of 256"), (["bench", llama, "--work", "sleep"], 64, "forward"),
            (["tokenize", llama, "x", "--json-lines"], 64, "--json-lines"), (["tokenize", "/nonexistent", "x"], 1, "/nonexistent"),
        ] as [([String], Int32, String)])
    func mistakesTakeOneLine(_ test: ([String], Int32, String)) throws {
        let outcome = try CommandLineTests.run(test.0)
        #expect(outcome.code == test.1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("mica: ") && outcome.errors.contains(test.2), "\(outcome.errors)")
        #expect(!outcome.hasControls)
    }

    // MARK: generate

    /// ids: transformers' AutoTokenizer.from_pretrained("Samples/fables-llama").apply_chat_template(
    /// [{"role": "user", "content": "Who lent the hat?"}], add_generation_prompt=True). 2041 ends a turn, 2033 a text.
    @Test func chatGoesThroughTheTemplateAndEndsWithTheTurn() throws {
        let ids = "2032,2038,342,266,2039,440,1315,1258,260,439,30,2041,2038,269,82,278,83,380,2039,440"
        func generate(_ prompt: [String], _ more: [String] = []) throws -> Outcome {
            try CommandLineTests.run(["generate", CommandLineTests.llama, "--max-tokens", "6", "--ids-only"] + prompt + more)
        }
        let (chat, plain) = (try generate(["--chat", "Who lent the hat?"]), try generate(["--ids", ids]))
        #expect(chat.code == 0 && chat.output == plain.output && chat.output.split(separator: ",").count == 6)
        #expect(chat.errors.contains("6 tokens after 20;"))
        #expect(try generate(["--prompt", "Who lent the hat?"]).output != chat.output)
        // The likeliest token made the end of the turn: it ends the answer to --chat, and nothing else.
        let edits = try CommandLineTests.file("turn.edits", Data("set logits[19, 2041] = 99\n".utf8))
        let (ended, went) = (
            try generate(["--chat", "Who lent the hat?"], ["--edits", edits]), try generate(["--ids", ids], ["--edits", edits])
        )
        #expect(
            ended.output.allSatisfy(\.isWhitespace) && ended.errors.contains("0 tokens after 20")
                && ended.errors.contains("at end token 2041"))
        #expect(went.output.hasPrefix("2041,") && went.output.split(separator: ",").count == 6)
        let both = try generate(["--chat", "a", "--prompt", "b"])
        #expect(both.code == 64 && both.errors.contains("Give --chat, --prompt or --ids."))
    }

    // MARK: info

    @Test(arguments: [("fables-llama", 1_320_576), ("fables-gpt2", 1_484_800), ("fables-gemma2", 1_297_536)])
    func infoOfTheSamples(_ name: String, _ parameters: Int) throws {
        let text = try CommandLineTests.mica("info", "\(CommandLineTests.root)/Samples/\(name)")
        #expect(text.code == 0 && text.errors.isEmpty && !text.hasControls)
        #expect(text.output.contains("bf16") && text.output.contains("context of 256"))
        let json = try CommandLineTests.mica("info", "\(CommandLineTests.root)/Samples/\(name)", "--json")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(object["parameters"] as? Int == parameters)
        #expect((object["problems"] as? [String])?.isEmpty == true)
    }

    /// Names and values of a file that would command the terminal.
    @Test func infoShowsHostileNamesHarmlessly() throws {
        let tensor = #""\u001b]0;owned\u0007\u001b[2J":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#
        let header = "{\(tensor)," + #""__metadata__":{"\u009b31m":"\u202e\u001b[31m"}}"#
        let path = try CommandLineTests.file("hostile.safetensors", CommandLineTests.safetensors(header, dataCount: 8))
        for flags in [[], ["--json"], ["--tensors"]] {
            let outcome = try CommandLineTests.run(["info", path] + flags)
            #expect(outcome.code == 0)
            #expect(!outcome.hasControls)
            #expect(!outcome.output.contains("\u{202E}"))
        }
        #expect(try CommandLineTests.mica("info", path).output.contains("<0x1B>]0;owned<0x07><0x1B>[2J"))
    }

    @Test(
        arguments: [
            ("config.json", "{\"model_type\": \"evil\u{1B}[2J\"}", "line 1"),
            ("config.json", #"{"model_type": "evil\u001b[2J"}"#, "evil<0x1B>[2J"),
            ("config.json", #"{"model_type": "llama"}"#, "missing hidden_size"), ("tokenizer.json", "{", "tokenizer.json"),
            ("model.safetensors", "short", "too short"),
            ("model.safetensors.index.json", #"{"weight_map": {"a": "../b"}}"#, "plain file name"),
        ])
    func infoOfBrokenFiles(_ name: String, _ content: String, _ rule: String) throws {
        let path = try CommandLineTests.file(name, Data(content.utf8))
        for flags in [[], ["--json"]] {
            let outcome = try CommandLineTests.run(["info", path] + flags)
            #expect(outcome.code == 1)
            #expect(outcome.errorLines.count == 1 && outcome.errors.contains(rule), "\(outcome.errors)")
            #expect(!outcome.hasControls)
        }
    }

    // MARK: the others

    @Test func generateWritesTheTextAlone() throws {
        let arguments = ["generate", CommandLineTests.llama, "--prompt", "12 + 7 =", "--max-tokens", "2"]
        let text = try CommandLineTests.run(arguments + ["--greedy"])
        #expect(text.code == 0)
        #expect(text.output == " 19")
        #expect(text.errorLines.count == 1 && text.errors.contains("tokens/s"))
        let ids = try CommandLineTests.run(arguments + ["--ids-only"]).output
        #expect(ids.split(separator: ",").count == 2 && ids.hasSuffix("\n"))
        let sampling = ["--temperature", "1.5", "--seed", "5"]
        let drawn = try (0..<2).map { _ in try CommandLineTests.run(arguments.dropLast() + ["20"] + sampling).output }
        #expect(drawn[0] == drawn[1] && drawn[0].utf8.count > 20)
    }

    /// fables-gpt2 goes on with a repetition for ever.
    @Test func generateEndsWithTheContext() throws {
        let model = "\(CommandLineTests.root)/Samples/fables-gpt2"
        let outcome = try CommandLineTests.mica(
            "generate", model, "--prompt", "blue blue blue blue blue", "--max-tokens", "1000", "--ids-only")
        #expect(outcome.code == 0)
        #expect(outcome.errors.contains("end of the context of 256"), "\(outcome.errors)")
        #expect(outcome.output.split(separator: ",").count == 249)
    }

    @Test func traceHasGradientsUnderTheNamesOfTheirValues() throws {
        let path = try CommandLineTests.file("gradients.safetensors", Data())
        _ = try CommandLineTests.mica("trace", CommandLineTests.llama, "--ids", "1,2,3,4", "--backward", "--out", path)
        let info = try CommandLineTests.mica("info", path, "--tensors").output
        for name in ["model.embed_tokens.weight", "model.layers.0.mlp", "model.layers.5.self_attn.q_proj", "logits", "loss"] {
            #expect(info.contains("\ngrad:\(name) "), "\(name)")
        }
        #expect(!info.contains(" via ") && !info.contains("grad:position_ids"))
    }

    @Test func traceHasValuesAliasesAndLoss() throws {
        let path = try CommandLineTests.file("trace.safetensors", Data())
        let outcome = try CommandLineTests.mica("trace", CommandLineTests.llama, "--ids", "1,2,3,4", "--out", path)
        #expect(outcome.code == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
        let info = try CommandLineTests.mica("info", path, "--tensors").output
        for name in ["logits", "lm_head", "loss", "model.layers.3.mlp", "model.layers.3.mlp.down_proj", "model.layers.0.self_attn.probs"] {
            #expect(info.contains("\n\(name) "), "\(name)")
        }
        #expect(!info.contains("weight "))
        let part = try CommandLineTests.mica("trace", CommandLineTests.llama, "--ids", "1,2", "--names", "layers.0.mlp", "--out", path)
        #expect(part.code == 0)
        #expect(try !CommandLineTests.mica("info", path, "--tensors").output.contains("layers.1"))
    }

    @Test func tokenizeAnswersLineByLine() throws {
        let arguments = ["tokenize", CommandLineTests.llama, "--json-lines", "--no-special"]
        let outcome = try CommandLineTests.run(arguments, input: "\"There was\"\n\"\"\n\"é\\n\"")
        #expect(outcome.code == 0)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 3 && lines[1] == "[]")
        let single = try CommandLineTests.mica("tokenize", CommandLineTests.llama, "There was", "--no-special").output
        #expect("[\(single.dropLast().split(separator: ",").joined(separator: ", "))]" == lines[0])
        let wrong = try CommandLineTests.mica("tokenize", CommandLineTests.llama, "--json-lines", input: "\"a\"\n{\n")
        #expect(wrong.code == 1 && wrong.errors.contains("line 2"))
        let merges = try CommandLineTests.mica("tokenize", CommandLineTests.llama, "mouse \u{1B}[2J", "--explain")
        #expect(merges.output.contains("rank") && !merges.hasControls)
    }

    @Test func statsHasEveryForm() throws {
        let arguments = ["stats", CommandLineTests.llama, "--prompt", "Tom and Mia", "--names", "layers.5"]
        let text = try CommandLineTests.run(arguments)
        #expect(text.output.contains("model.layers.5.self_attn.probs"))
        let rows = try CommandLineTests.run(arguments + ["--tsv"]).output.split(separator: "\n").map { $0.split(separator: "\t") }
        #expect(Set(rows.map(\.count)) == [13])
        let json = try CommandLineTests.run(arguments + ["--json"]).output
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect((object["values"] as? [[String: Any]])?.count == rows.count - 1)
    }

    @Test func benchPrintsOneObject() throws {
        let outcome = try CommandLineTests.mica("bench", CommandLineTests.llama, "--work", "decode", "--json")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        #expect(try #require(object["tokens_per_second"] as? Double) > 1)
        #expect(object["openblas_core"] is String)
        #expect(outcome.output.split(separator: "\n").count == 1)
    }

    /// Somebody who stops reading is no error to talk about.
    @Test func closedPipeIsQuiet() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "'\(try #require(ProgramUnderTest.path))' stats '\(CommandLineTests.llama)' --ids 1,2,3 --json | true",
        ]
        let errors = Pipe()
        (process.standardOutput, process.standardError) = (Pipe(), errors)
        try process.run()
        process.waitUntilExit()
        #expect((try errors.fileHandleForReading.readToEnd() ?? Data()).isEmpty)
    }

    @Test func fullDiskIsSaid() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "'\(try #require(ProgramUnderTest.path))' tokenize '\(CommandLineTests.llama)' x > /dev/full"]
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
        #expect(String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self).contains("No space left"))
    }

    // MARK: gradients

    @Test func gradientsAreCheckedInATable() throws {
        let done = try CommandLineTests.mica(
            "gradcheck", CommandLineTests.llama, "--ids", "5,6", "--names", "model.norm.weight", "--samples", "3")
        #expect(done.code == 0)
        let lines = done.output.split(separator: "\n")
        #expect(
            lines.count == 5 && lines[0].hasPrefix("name")
                && lines[1...3].allSatisfy { $0.hasPrefix("model.norm.weight") && $0.hasSuffix("ok") })
        #expect(lines.last == "3 elements of 1 values: 3 agree, 0 do not")
        let unknown = try CommandLineTests.mica("gradcheck", CommandLineTests.llama, "--ids", "5,6", "--names", "nowhere")
        #expect(unknown.code == 1 && unknown.errors.contains("nowhere"))
    }

    // MARK: files

    private static func file(_ name: String, _ content: Data) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-cli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent(name)
        try content.write(to: file)
        return file.path
    }

    private static func safetensors(_ header: String, dataCount: Int) -> Data {
        var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
        bytes.append(Data(header.utf8))
        return bytes + Data(count: dataCount)
    }
}
