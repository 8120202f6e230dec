import Foundation
import Testing
import Tokenizers

@testable import Training

/// Data files in a folder of their own.
enum DataFixture {
    static let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Samples")

    static let tokenizer = Result { try Tokenizer.load(samples.appendingPathComponent("fables-llama").path) }

    static func load(
        _ text: String, suffix: String = "jsonl", _ change: (inout DataSettings) -> Void = { _ in }
    ) throws -> Dataset { try load(bytes: Array(text.utf8), suffix: suffix, change) }

    static func load(bytes: [UInt8], suffix: String = "jsonl", _ change: (inout DataSettings) -> Void = { _ in }) throws -> Dataset {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("mica-data-\(UUID().uuidString).\(suffix)")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        var settings = DataSettings(sequenceLength: 32)
        change(&settings)
        return try Dataset.load(file.path, tokenizer: tokenizer.get(), vocabulary: 2048, settings: settings)
    }

    /// The words that count, one string a run of tokens.
    static func counted(_ example: Example) throws -> [String] {
        let tokenizer = try tokenizer.get()
        var runs: [[Int32]] = []
        for (index, id) in example.ids.enumerated() where example.roles[index] == .counts {
            if index > 0, example.roles[index - 1] == .counts, !runs.isEmpty { runs[runs.count - 1].append(id) } else { runs.append([id]) }
        }
        return runs.map { tokenizer.decode($0, skipSpecial: false) }
    }
}

@Suite struct DatasetTests {
    /// Only what the assistant says and the token that ends its turn count.
    @Test func anAssistantsWordsCount() throws {
        let row =
            #"{"messages":[{"role":"user","content":"Hi there"},{"role":"assistant","content":" A bear. "},{"role":"user","content":"A bear."},{"role":"assistant","content":"Yes"}]}"#
        let data = try DataFixture.load(row) { $0.sequenceLength = 128 }
        #expect(data.kind == .messages)
        #expect(try DataFixture.counted(data.items[0].example) == ["A bear.<|eot_id|>", "Yes<|eot_id|>"])
        #expect(data.items[0].example.roles.first == .boundary)
        #expect(data.report.tokens[.prompt] ?? 0 > 0)
        let all = try DataFixture.load(row) { ($0.sequenceLength, $0.loss) = (128, .all) }
        #expect(all.items[0].example.counted == all.items[0].example.ids.count - 1)
    }

    @Test(arguments: [
        (#"{"prompt":"Tom said","completion":" hello."}"#, DataKind.completion, [" hello.<|end_of_text|>"]),
        (#"{"text":"Tom"}"#, .text, ["Tom<|end_of_text|>"]),
        (#"{"text":"<|begin_of_text|>Tom<|end_of_text|>"}"#, .text, ["Tom<|end_of_text|>"]),
        (#"{"input_ids":[2032,54,55,2033],"labels":[-100,-100,55,2033]}"#, .tokens, [""]),
    ])
    func whatCounts(_ row: String, _ kind: DataKind, _ words: [String]) throws {
        let data = try DataFixture.load(row + "\r\n\n" + row)
        #expect(data.kind == kind)
        #expect(data.report.rows == 2)
        #expect(data.report.blankLines == 1)
        if kind == .tokens { #expect(data.items[0].example.labels == [-100, -100, 55, 2033]) }
        if kind != .tokens { #expect(try DataFixture.counted(data.items[0].example) == words) }
    }

    @Test func answersArePairs() throws {
        let data = try DataFixture.load(#"{"prompt":"Tom said","chosen":" yes.","rejected":" no, never."}"#)
        #expect(try DataFixture.counted(data.items[0].example) == [" yes.<|end_of_text|>"])
        let rejected = try #require(data.items[0].rejected)
        #expect(try DataFixture.counted(rejected) == [" no, never.<|end_of_text|>"])
        var loader = BatchLoader(data, DataSettings(sequenceLength: 32))
        let micro = try #require(loader.next()?.microBatches.first)
        #expect(micro.pairs == 1)
        #expect(micro.rows.count == 2)
        #expect(Set(micro.rows.map(\.ids.count)).count == 1)
    }

    /// D01 to D06, and rows that are wrong in other ways; each names its line.
    @Test(arguments: [
        ("{\"text\":\"a\"}\n{\"text\":\"\u{1}\"}", "line 2: not JSON"), ("{\"text\":\"a\"}\n{\"txt\":\"a\"}", "line 2: 'text' is missing"),
        ("{\"txt\":\"a\"}", "line 1: has none of the keys"), ("[1]", "line 1: must be a JSON object, is an array"),
        ("", "no examples: the file has no rows"), ("\n\r\n", "no examples"),
        ("{\"text\":5}", "line 1: 'text' must be a string, is a number"),
        ("{\"input_ids\":[1,2048]}", "input_ids[1] must be a token id from 0 to 2047, is 2048"),
        ("{\"input_ids\":[1,-1]}", "is -1"), ("{\"input_ids\":[1,1.5]}", "is 1.5"), ("{\"input_ids\":[]}", "'input_ids' is empty"),
        ("{\"input_ids\":[1,2],\"labels\":[1]}", "'labels' has 1 entries, 'input_ids' has 2"),
        ("{\"messages\":[]}", "'messages' is empty"), ("{\"messages\":[{\"content\":\"a\"}]}", "messages[0].role must be a string"),
        ("{\"text\":\"a\",\"text\":\"b\"}", "line 1: not JSON"),
        ("{\"input_ids\":[1,2],\"labels\":[-100,-100]}", "1 have no token that counts"),
    ])
    func badRowsAreNamed(_ text: String, _ expected: String) throws {
        let error = #expect(throws: DataError.self) { try DataFixture.load(text) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test func invalidUTF8IsNamed() {
        let error = #expect(throws: DataError.self) {
            try DataFixture.load(bytes: Array("{\"text\":\"a\"}\n{\"text\":\"".utf8) + [0xFF, 0x22, 0x7D])
        }
        #expect(error?.description.contains("line 2: invalid UTF-8") == true)
        let text = #expect(throws: DataError.self) { try DataFixture.load(bytes: [0x61, 0x0A, 0x0A, 0xC3], suffix: "txt") }
        #expect(text?.description.contains("line 3: invalid UTF-8") == true)
    }

    @Test func aLineWithoutEndIsRefused() {
        let bytes = Array("{\"text\":\"a\"}\n".utf8) + [UInt8](repeating: 0x20, count: DataFile.lineLimit + 70_000)
        let error = #expect(throws: DataError.self) { try DataFixture.load(bytes: bytes) }
        #expect(error?.description.contains("line 2: longer than 16 MiB") == true)
    }

    @Test func lineEndsDoNotMatterAndNULStays() throws {
        let lines = "Tom\nand\u{0} Mia\nran."
        let plain = try DataFixture.load(lines, suffix: "txt")
        #expect(try DataFixture.load(lines.replacingOccurrences(of: "\n", with: "\r\n"), suffix: "txt").items == plain.items)
        #expect(try DataFixture.tokenizer.get().decode(plain.items[0].example.ids) == lines)
    }

    /// D06.
    @Test func longRowsAreCountedAndCutOnlyIfAsked() throws {
        let rows = "{\"input_ids\":[1,2,3,4,5,6]}\n{\"input_ids\":[1,2]}"
        let skipped = try DataFixture.load(rows) { $0.sequenceLength = 4 }
        #expect(skipped.items.map(\.example.ids) == [[1, 2]])
        #expect(skipped.report.skipped == 1 && skipped.report.skippedLines == [1] && skipped.report.longest == 6)
        let cut = try DataFixture.load(rows) { ($0.sequenceLength, $0.tooLong) = (4, .truncate) }
        #expect(cut.items.map(\.example.ids) == [[1, 2, 3, 4], [1, 2]])
        #expect(cut.items.map(\.example.cut) == [2, 0] && BatchRow(cut.items[0].example).cut == 2)
        #expect(cut.report.truncated == 1 && cut.report.truncatedTokens == 2)
    }

    /// What packing and padding do in an epoch is counted: rows of 2, 5, 4 and 2 tokens, two at a time.
    @Test func packedAndPaddedRowsAreCounted() throws {
        let rows = "[1,2] [1,2,3,4,5] [1,2,3,4] [1,2]".split(separator: " ").map { "{\"input_ids\":\($0)}" }.joined(separator: "\n")
        let padded = try DataFixture.load(rows) { ($0.batchSize, $0.shuffle) = (2, false) }.report
        #expect(padded.epoch.rows == 4 && padded.epoch.padded == 2 && padded.epoch.paddingTokens == 3 + 2 && padded.epoch.packed == 0)
        #expect(padded.sentences(sequenceLength: 8).contains("2 of 4 rows are padded in the first epoch, by 5 tokens"))
        let packed = try DataFixture.load(rows) { ($0.batchSize, $0.shuffle, $0.packing, $0.sequenceLength) = (2, false, true, 7) }.report
        #expect(packed.epoch.rows == 2 && packed.epoch.packed == 2 && packed.epoch.packedDocuments == 4)
        #expect(packed.epoch.padded == 1 && packed.epoch.paddingTokens == 1)
        #expect(packed.sentences(sequenceLength: 7).contains("2 of 2 rows are packed, with 4 documents"))
    }

    @Test func aTextIsOneStreamInBlocks() throws {
        let text = "<|begin_of_text|>Tom ran.<|end_of_text|>\n<|begin_of_text|>Mia sat.<|end_of_text|>\n"
        let data = try DataFixture.load(text, suffix: "txt") { $0.packing = true }
        let example = data.items[0].example
        let ids = try DataFixture.tokenizer.get().encode(text.replacingOccurrences(of: "\n", with: ""), addSpecial: false)
        #expect(example.ids == ids)
        #expect(example.documents == ids.indices.filter { ids[$0] == 2032 })
        let row = BatchRow(example)
        #expect(row.counted == ids.count - 2)
    }

    /// The order of an epoch is a permutation that seed and epoch give alone; a cursor goes on where it stood.
    @Test(arguments: [true, false]) func aCursorGoesOnWhereItStood(_ shuffle: Bool) throws {
        let rows = (0..<10).map { "{\"input_ids\":[\($0),1,2]}" }.joined(separator: "\n")
        let data = try DataFixture.load(rows)
        var settings = DataSettings(sequenceLength: 8)
        (settings.batchSize, settings.accumulation, settings.shuffle, settings.seed) = (2, 2, shuffle, 7)
        var loader = BatchLoader(data, settings)
        #expect(loader.stepsPerEpoch == 3)
        let firsts = { (batch: Batch?) in batch?.microBatches.flatMap(\.rows).compactMap(\.ids.first) ?? [] }
        var epochs: [[Int32]] = [[], []]
        for step in 0..<6 {
            var again = BatchLoader(data, settings, from: loader.cursor)
            let batch = loader.next()
            #expect(again.next() == batch)
            epochs[step / 3] += firsts(batch)
        }
        #expect(epochs.allSatisfy { $0.sorted() == Array(0..<10) })
        #expect((epochs[0] == epochs[1]) == !shuffle)
        if !shuffle { #expect(epochs[0] == Array(0..<10)) }
    }
}
