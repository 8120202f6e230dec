import Testing

@testable import Tokenizers

/// The pattern engine against Oniguruma, against the scanners, and against patterns made to be slow.
@Suite struct PatternTests {
    private func pieces(_ pattern: String, _ text: String) throws -> [String] {
        var matcher = PatternMatcher(try CompiledPattern(pattern))
        let bytes = Array(text.utf8)
        return matcher.stretches(bytes.span, 0, bytes.count).filter { $0.end > $0.start }
            .map { String(decoding: bytes[$0.start..<$0.end], as: UTF8.self) }
    }

    @Test(arguments: GoldenPieces.patterns.indices)
    func matchesAreThoseOfOniguruma(_ index: Int) throws {
        let (pattern, text, expected) = GoldenPieces.patterns[index]
        #expect(try pieces(pattern, text) == expected)
    }

    @Test(arguments: Scanners.all.indices)
    func scannersEqualTheirPatterns(_ index: Int) throws {
        let scanner = Scanners.all[index]
        #expect(Scanners.scanner(for: scanner.pattern) != nil)
        var matcher = PatternMatcher(try CompiledPattern(scanner.pattern))
        var random = RandomText(seed: UInt64(index) + 1)
        for round in 0..<2000 {
            var bytes = Array(random.text(12).utf8)
            // Every tenth text is damaged.
            if round % 10 == 0, !bytes.isEmpty { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            var scanned: [Pieces.Piece] = []
            scanner.pieces(bytes.span, 0, bytes.count, into: &scanned)
            let matched = matcher.stretches(bytes.span, 0, bytes.count).filter { $0.end > $0.start }
            #expect(scanned.map(\.end) == matched.map(\.end), "\(String(decoding: bytes, as: UTF8.self))")
            if scanned.map(\.end) != matched.map(\.end) { return }
        }
    }

    @Test(arguments: [
        (#"("#, "unmatched '(' at 0"), (#"a(b"#, "unmatched '(' at 1"), (#"a)"#, "unmatched ')' at 1"), (#"[a"#, "unmatched '[' at 0"),
        (#"*a"#, "nothing to repeat at 0"), (#"a|+"#, "nothing to repeat at 2"), (#"a\"#, "ends with a backslash at 1"),
        (#"(a)\1"#, "cannot guarantee linear time: a back-reference at 3"), (#"(?<=a)b"#, "cannot guarantee linear time: lookbehind at 0"),
        (#"(?<!a)b"#, "lookbehind"), (#"(?>a+)b"#, "an atomic group"), (#"(ab)++"#, "a possessive group"),
        (#"\p{Han}"#, "property 'Han' not supported"),
        (#"\p{L"#, "without '}'"), (#"\pL"#, "'{' expected"), (#"[[:alpha:]]"#, "bracket class"), (#"[b-a]"#, "empty range"),
        (#"a{5,2}"#, "n > m"),
        (#"a{2000}"#, "larger than 1000"), (#"(?x:a)"#, "group option"), (#"a(?i)b"#, "group option"), (#"(a*)*"#, "can be empty"),
        (#"((a{100}){100}){100}"#, "pattern too large"), (#"\q"#, "escape not supported"), (#"\x{110000}"#, "no such character"),
        (#"\x{11000000}"#, "U+10FFFF"),
        (#"\uD800"#, "no such character"),
        (#"a{2}{2}{2}{2}{2}"#, "nested too deep"), (#"(?i:[\x{0}-\x{ffff}])"#, "under (?i)"), (#"(?<n"#, "without '>'"),
    ])
    func otherPatternsAreRefused(_ pattern: String, _ rule: String) throws {
        let error = #expect(throws: PatternError.self) { try CompiledPattern(pattern) }
        #expect(error?.rule.contains(rule) == true, "\(error?.rule ?? "")")
    }

    @Test(arguments: ["(", "[", "(?:", "(?=", "(?i:", "a|("])
    func deepNestingIsRefused(_ opening: String) {
        let error = #expect(throws: PatternError.self) { try CompiledPattern(String(repeating: opening, count: 10000)) }
        #expect(error?.rule.contains("nested too deep") == true || error?.rule.contains("longer than") == true)
    }

    /// Patterns whose matching takes other engines quadratic or exponential time, on texts made for it.
    @Test(arguments: [
        "(a+)+$", "a*b|a", "(a|a)+b", "(a|b)*a(a|b){30}", "(?=.*z)a", "(?!.*z)a", #"\s+(?!\S)|\s+"#, #"\s*[\r\n]+|\s"#,
        "(?:a{1,20}b?){1,5}",
        "((a|b)(a|b)?)+?$", "(?=(?=(?=.*!).*b).*a).", "a[abc]{200}c",
    ])
    func everyPatternIsLinear(_ pattern: String) throws {
        let tokenizer = try Fixtures.bytes(
            """
            {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": \(Fixtures.quoted(pattern))}, "behavior": "Isolated"}, \
            {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}
            """)
        var random = RandomText(seed: 9)
        let mixed = (0..<100_000).map { _ in UInt8(97 + random.below(3)) }
        for bytes in [[UInt8](repeating: 97, count: 100_000), [UInt8](repeating: 32, count: 100_000), mixed] {
            let start = ContinuousClock.now
            #expect(tokenizer.encode(bytes, addSpecial: false).count == bytes.count)
            #expect(ContinuousClock.now - start < .seconds(Clock.patience))
        }
    }
}

/// How long a linear algorithm may take on a loaded machine; a quadratic one takes minutes.
enum Clock {
    #if DEBUG
        static let patience = 60
        static let size = 100_000
    #else
        static let patience = 5
        static let size = 1_000_000
    #endif
}
