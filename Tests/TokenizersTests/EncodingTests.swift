import Testing

@testable import Tokenizers

/// Merging, added tokens, decoding, streaming.
@Suite struct EncodingTests {
    /// From Hugging Face tokenizers 0.23.3 on the file that `Fixtures.sentencePiece` writes: `encode(TEXT).ids`, `decode(IDS, False)`.
    static let sentencePiece: [(text: String, ids: [Int32], decoded: String)] = [
        ("", [1], "<s>"),
        ("the hello world", [1, 280, 289, 294], "<s> the hello world"),
        ("hello   world  ", [1, 289, 284, 294, 284], "<s> hello   world  "),
        (
            "o\u{F9} \u{E9}t\u{E9}? \u{65E5}\u{672C} \u{2581}the",
            [1, 259, 268, 198, 188, 259, 295, 276, 66, 259, 277, 233, 159, 175, 259, 280],
            "<s> o\u{F9} \u{E9}t\u{E9}? \u{65E5}\u{672C}  the"
        ),
        ("</s>the<s>", [1, 2, 280, 1], "<s></s> the<s>"),
        ("\u{1F642} the\n", [1, 259, 243, 162, 156, 133, 280, 13], "<s> \u{1F642} the\n"),
        ("hello\thello", [1, 289, 12, 283], "<s> hello\thello"),
        (
            "there were  other words", [1, 280, 286, 259, 274, 264, 286, 284, 268, 272, 279, 270, 259, 291, 263, 271],
            "<s> there were  other words"
        ),
        ("<0x0A> <unk>", [1, 259, 63, 51, 123, 51, 68, 65, 259, 0], "<s> <0x0A> <unk>"),
    ]

    @Test(arguments: sentencePiece.indices)
    func sentencePieceLike(_ index: Int) throws {
        let (text, ids, decoded) = Self.sentencePiece[index]
        let tokenizer = try Fixtures.sentencePiece()
        #expect(tokenizer.encode(text) == ids)
        #expect(tokenizer.decode(ids, skipSpecial: false) == decoded)
    }

    /// Cutting at seams changes nothing: the same vocabulary with a merge that forbids seams gives the same ids.
    @Test func seamsChangeNoId() throws {
        let tokenizer = try Fixtures.sentencePiece()
        #expect(tokenizer.model.seams != nil)
        let whole = BytePairModel(
            vocabulary: tokenizer.vocabulary, merges: tokenizer.model.merges, options: tokenizer.model.options,
            alphabet: tokenizer.model.alphabet, seams: nil)
        var random = RandomText(seed: 21)
        for _ in 0..<500 {
            var text = random.text(10)
            for _ in 0..<random.below(12) { text += ["▁the", "▁", "hello", "world", "é", "t", "日", "?", "er", "re"][random.below(10)] }
            let bytes = Array(text.utf8)
            var cut: [Int32] = []
            var uncut: [Int32] = []
            var workspace = EncodeWorkspace()
            tokenizer.model.encode(bytes.span, 0, bytes.count, &workspace, into: &cut)
            var other = EncodeWorkspace()
            whole.encode(bytes.span, 0, bytes.count, &other, into: &uncut)
            #expect(cut == uncut, "\(text)")
        }
    }

    /// Short and long words are merged by different means, to the same end; and the explanation ends there.
    @Test func explanationsEndAtTheIds() throws {
        for tokenizer in [try Fixtures.fables(), try Fixtures.sentencePiece()] {
            var random = RandomText(seed: 13)
            for round in 0..<300 {
                let text =
                    round % 10 == 0 ? String(repeating: ["the", "abc", "hello", "there"][random.below(4)], count: 30) : random.text(12)
                let pieces = tokenizer.explain(text)
                #expect(pieces.flatMap(\.ids) == tokenizer.encode(text, addSpecial: false))
                for piece in pieces { check(piece, tokenizer) }
            }
        }
    }

    private func check(_ piece: PreTokenExplanation, _ tokenizer: Tokenizer) {
        var replay = MergeReplay(piece)
        while let step = replay.next() {
            #expect(piece.symbols(after: replay.count) == replay.symbols)
            #expect(tokenizer.tokenText(step.result) == (tokenizer.tokenText(step.left) ?? "") + (tokenizer.tokenText(step.right) ?? ""))
        }
        #expect(replay.count == piece.merges.count)
        #expect(replay.symbols == piece.ids)
    }

    @Test func mergesOfAWord() throws {
        let tokenizer = try TinyFile([
            "model.vocab": #"{"a": 0, "b": 1, "c": 2, "bc": 3, "abc": 4, "ab": 5, "ca": 6}"#,
            "model.merges": #"[["b", "c"], ["a", "b"], ["a", "bc"], ["c", "a"]]"#,
        ]).load()
        let piece = try #require(tokenizer.explain("abcab").first)
        #expect(piece.symbols == [0, 1, 2, 0, 1])
        #expect(
            piece.merges == [
                MergeStep(rank: 0, place: 1, left: 1, right: 2, result: 3), MergeStep(rank: 1, place: 3, left: 0, right: 1, result: 5),
                MergeStep(rank: 2, place: 0, left: 0, right: 3, result: 4),
            ])
        #expect(piece.symbols(after: 1) == [0, 3, 0, 1])
        #expect(piece.symbols(after: 2) == [0, 3, 5])
        #expect(piece.symbols(after: 99) == [4, 5])
    }

    /// From Hugging Face tokenizers 0.23.3 on the file that `addedTokens` writes.
    static let added: [(text: String, ids: [Int32])] = [
        ("a<s>b", [0, 5, 1]),
        ("a<s>>b<s>", [0, 6, 1, 5]),
        ("a  <l>  b", [0, 7, 1]),
        ("a  <r>  b", [0, 8, 1]),
        ("word sword words word. _word", [9, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 9, 3, 3, 3, 3, 3, 3]),
        ("normNORMNorM", [10, 10, 10]),
        ("NORM a", [10, 0]),
        ("ababa abaaba", [11, 1, 0, 11, 11]),
        ("<r> \n<r>  <l>", [8, 8, 7]),
        ("<s><s>", [5, 5]),
        ("A <S> B", [0, 3, 3, 3, 1]),
        ("word\u{200D}word word\u{E9}", [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]),
    ]

    private func addedTokens() throws -> Tokenizer {
        try TinyFile([
            "model.vocab": #"{"a": 0, "b": 1, " ": 2, "?": 3, "\n": 4}"#, "model.merges": "[]", "model.unk_token": #""?""#,
            "normalizer": #"{"type": "Lowercase"}"#, "pre_tokenizer": #"{"type": "WhitespaceSplit"}"#,
            "added_tokens": """
            [{"id": 5, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
            {"id": 6, "content": "<s>>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
            {"id": 7, "content": "<l>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": true},
            {"id": 8, "content": "<r>", "single_word": false, "lstrip": false, "rstrip": true, "normalized": false, "special": true},
            {"id": 9, "content": "word", "single_word": true, "lstrip": false, "rstrip": false, "normalized": false, "special": false},
            {"id": 10, "content": "NorM", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": false},
            {"id": 11, "content": "aba", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false}]
            """,
        ]).load()
    }

    @Test(arguments: added.indices)
    func addedTokensAreCutOut(_ index: Int) throws {
        #expect(try addedTokens().encode(Self.added[index].text) == Self.added[index].ids)
    }

    @Test func streamingGivesTheSameText() throws {
        for tokenizer in [try Fixtures.fables(), try Fixtures.sentencePiece()] {
            var random = RandomText(seed: 31)
            for _ in 0..<150 {
                let text = random.text(14)
                let ids = tokenizer.encode(text)
                var stream = StreamingDecoder(tokenizer)
                let parts = ids.map { stream.append($0) } + [stream.finish()]
                #expect(parts.joined().utf8.elementsEqual(tokenizer.decode(ids).utf8))
                #expect(parts.dropLast().allSatisfy { !$0.contains("\u{FFFD}") || text.contains("\u{FFFD}") })
            }
        }
    }

    @Test func streamingHoldsBackHalfACharacter() throws {
        let tokenizer = try Fixtures.fables()
        let ids = tokenizer.encode("日", addSpecial: false)
        #expect(ids.count == 3)
        var stream = StreamingDecoder(tokenizer)
        #expect(ids.map { stream.append($0) } == ["", "", "日"])
        #expect(stream.append(ids[0]) == "")
        #expect(stream.finish() == "\u{FFFD}")
        #expect(stream.finish() == "")
        for _ in 0..<100 { _ = stream.append(ids[0]) }
        #expect(stream.append(2032) == "")
    }

    @Test(arguments: ["^", "a", " ", "\n", "日", "ab", "<|end_of_text|>", "<|end_of_tex", "'s", "\u{301}"])
    func longMonotoneTextsAreLinear(_ unit: String) throws {
        let text = Array(String(repeating: unit, count: Clock.size / unit.utf8.count).utf8)
        for tokenizer in [try Fixtures.fables(), try Fixtures.sentencePiece()] {
            let start = ContinuousClock.now
            let ids = tokenizer.encode(text, addSpecial: false)
            #expect(ContinuousClock.now - start < .seconds(Clock.patience))
            #expect(!ids.isEmpty)
        }
    }

    @Test func longAddedTokensAreLinear() throws {
        let long = String(repeating: "a", count: 20_000) + "b"
        let tokenizer = try TinyFile(["added_tokens": #"[{"id": 3, "content": "\#(long)", "special": true, "normalized": false}]"#]).load()
        let start = ContinuousClock.now
        #expect(tokenizer.encode(String(repeating: "a", count: Clock.size)).count == Clock.size)
        #expect(ContinuousClock.now - start < .seconds(Clock.patience))
    }
}
