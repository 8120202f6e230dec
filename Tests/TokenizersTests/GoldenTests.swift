import Testing

@testable import Tokenizers

/// Ids that Hugging Face tokenizers 0.23.3 gives: `Tokenizer.from_file("Samples/fables-llama/tokenizer.json").encode(TEXT).ids`.
enum GoldenIDs {
    static let fables: [(text: String, ids: [Int32])] = [
        ("", [2032]),
        ("Hello, world!", [2032, 39, 410, 78, 11, 461, 519, 0]),
        (
            "When Mia and Tom went to the market, Tom gave a ring to",
            [2032, 1412, 776, 281, 832, 455, 292, 260, 1199, 11, 832, 479, 258, 988, 292]
        ),
        (
            "The fox doesn't know; we'LL see. It'S I'd'VE",
            [2032, 335, 894, 1527, 77, 6, 83, 1689, 26, 350, 6, 43, 43, 1256, 13, 645, 6, 50, 329, 6, 67, 6, 53, 36]
        ),
        ("  two  spaces and   three ", [2032, 220, 539, 220, 454, 1253, 290, 281, 220, 220, 600, 220]),
        ("\n\nnew\r\nlines \n \t tabs\n", [2032, 440, 271, 86, 201, 198, 75, 998, 82, 220, 198, 220, 197, 257, 64, 65, 82, 198]),
        (" 12345 + 6789 = 19134", [2032, 220, 1130, 18, 1132, 553, 220, 1316, 23, 24, 416, 220, 1074, 16, 1185]),
        ("caf\u{E9} cafe\u{301} na\u{EF}ve", [2032, 585, 69, 127, 102, 272, 64, 688, 136, 223, 307, 64, 127, 107, 503]),
        (
            "\u{1F469}\u{200D}\u{1F469}\u{200D}\u{1F467} \u{1F44D}\u{1F3FD} \u{1F1E9}\u{1F1EA}",
            [
                2032, 172, 253, 239, 102, 158, 222, 235, 172, 253, 239, 102, 158, 222, 235, 172, 253, 239, 100, 220, 172, 253, 239, 235,
                172, 253, 237, 121, 220, 172, 253, 229, 102, 172, 253, 229, 103,
            ]
        ),
        (
            "\u{65E5}\u{672C}\u{8A9E} \u{D55C}\u{AD6D}\u{C5B4} \u{627}\u{644}\u{639}\u{631}\u{628}\u{64A}\u{629}",
            [
                2032, 162, 245, 98, 162, 250, 105, 164, 103, 252, 220, 169, 243, 250, 166, 113, 255, 168, 244, 112, 220, 148, 100, 149, 226,
                148, 117, 148, 109, 148, 101, 149, 232, 148, 102,
            ]
        ),
        ("<|begin_of_text|>Once<|end_of_text|> again<|eot_id|>", [2032, 2032, 1755, 2033, 1390, 2041]),
        (
            "x'\u{17F} \u{2019}s \u{A0}nbsp\u{3000}wide",
            [2032, 87, 6, 129, 123, 220, 158, 222, 247, 82, 220, 126, 254, 77, 65, 82, 79, 159, 222, 222, 86, 561]
        ),
        ("\u{0}\u{1}\u{1B}[2J\u{7F}\u{85}", [2032, 188, 189, 215, 58, 17, 41, 221, 126, 227]),
        (
            "^^^^^^^^ ======== ------- ~~~~",
            [2032, 61, 61, 61, 61, 61, 61, 61, 61, 416, 28, 28, 28, 28, 28, 28, 28, 556, 12, 12, 12, 12, 12, 12, 220, 93, 93, 93, 93]
        ),
        ("\u{B2}\u{B3}\u{BD} \u{2167} \u{663}\u{664}", [2032, 126, 110, 126, 111, 126, 121, 220, 158, 227, 100, 220, 149, 96, 149, 97]),
        (
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            [
                2032, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
                64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
                64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
                64, 64, 64,
            ]
        ),
    ]
}

@Suite struct GoldenTests {
    @Test(arguments: GoldenIDs.fables.indices)
    func fables(_ index: Int) throws {
        let (text, ids) = GoldenIDs.fables[index]
        let tokenizer = try Fixtures.fables()
        #expect(tokenizer.encode(text) == ids)
        #expect(tokenizer.encode(text, addSpecial: false) == Array(ids.dropFirst()))
        #expect(tokenizer.decode(ids.dropFirst(), skipSpecial: false) == text)
    }

    @Test(arguments: ["fables-llama", "fables-gemma2", "fables-phi3", "fables-nemotron", "fables-gpt2"])
    func everySampleLoads(_ name: String) throws {
        let tokenizer = try Tokenizer.load(Fixtures.samples.appendingPathComponent(name).path)
        #expect(tokenizer.vocabularyCount == 2048)
        #expect(tokenizer.bosID == 2032)
        #expect(tokenizer.specialsBefore == [2032])
        #expect(tokenizer.isSpecial(2032))
        #expect(!tokenizer.isSpecial(260))
        #expect(tokenizer.tokenText(260) == "Ġthe")
        #expect(tokenizer.tokenBytes(260) == Array(" the".utf8))
        #expect(tokenizer.tokenText(4000) == nil)
        #expect(tokenizer.tokenBytes(-1) == [])
    }

    @Test func anyTextComesBack() throws {
        let tokenizer = try Fixtures.fables()
        var random = RandomText(seed: 3)
        for _ in 0..<500 {
            let text = random.text(14)
            let ids = tokenizer.encode(text, addSpecial: false)
            #expect(tokenizer.decode(ids, skipSpecial: false).utf8.elementsEqual(text.utf8))
            #expect(ids.flatMap(tokenizer.tokenBytes).elementsEqual(text.utf8))
        }
    }

    @Test func idsThatNoTokenHasAreSkipped() throws {
        let tokenizer = try Fixtures.fables()
        #expect(tokenizer.decode([260, -5, 2_000_000, 260] as [Int32]) == " the the")
        #expect(tokenizer.decode([2032, 260] as [Int32]) == " the")
    }
}
