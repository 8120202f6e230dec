import Testing

@testable import Tokenizers

/// Normalizers and pre-tokenizers, piece by piece.
@Suite struct StageTests {
    /// Nothing in the texts is in the vocabulary, so that every piece is explained whole.
    @Test(arguments: GoldenPieces.stages.indices)
    func piecesAreThoseOfTheReference(_ index: Int) throws {
        let (section, text, pieces) = GoldenPieces.stages[index]
        let key = section.hasPrefix("\"normalizer\"") ? "normalizer" : "pre_tokenizer"
        let value = String(section.drop { $0 != "{" })
        let tokenizer = try TinyFile([key: value, "model.vocab": #"{"?": 0}"#, "model.merges": "[]"]).load()
        #expect(tokenizer.explain(text).map { String(decoding: $0.bytes, as: UTF8.self) }.map(Bytes.init) == pieces.map(Bytes.init))
    }

    /// Strings compared by their bytes.
    struct Bytes: Equatable, CustomStringConvertible {
        let description: String
        init(_ text: String) { description = text }
        static func == (a: Bytes, b: Bytes) -> Bool { a.description.utf8.elementsEqual(b.description.utf8) }
    }

    @Test func normalFormsAreStableAndAgree() throws {
        var random = RandomText(seed: 5)
        for _ in 0..<300 {
            let text = random.text(8)
            for form in UnicodeForm.allCases {
                let once = normalized(Array(text.utf8), form)
                #expect(normalized(once, form) == once)
            }
            let composed = normalized(Array(text.utf8), .composed)
            #expect(normalized(normalized(Array(text.utf8), .decomposed), .composed) == composed)
        }
    }

    private func normalized(_ bytes: [UInt8], _ form: UnicodeForm) -> [UInt8] {
        var pieces = Pieces(bytes)
        form.apply(to: &pieces)
        return pieces.bytes
    }

    /// Bytes that are no text go through every stage unharmed.
    @Test func illFormedBytesAreKept() throws {
        let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0x28, 0xE2, 0x82, 0xF0, 0x9F, 0x98, 0xED, 0xA0, 0x80, 0xC0, 0xAF, 0xCC, 0x81]
        for form in UnicodeForm.allCases { #expect(normalized(bytes, form) == bytes) }
        let tokenizer = try Fixtures.fables()
        #expect(tokenizer.encode(bytes, addSpecial: false).flatMap(tokenizer.tokenBytes) == bytes)
    }
}
