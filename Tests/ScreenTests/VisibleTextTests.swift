import Foundation
import Screen
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct VisibleTextTests {
    @Test(arguments: UInt8.min...UInt8.max)
    func everyByteIsHarmless(_ byte: UInt8) {
        let shown = VisibleText.line(bytes: [byte])
        #expect(isHarmless(shown))
        if (0x20..<0x7F).contains(byte) {
            #expect(Array(shown.utf8) == [byte])
        } else {
            let digits = String(byte, radix: 16, uppercase: true)
            #expect(shown == "<0x\(byte < 16 ? "0" : "")\(digits)>")
        }
    }

    @Test(arguments: [
        ("\u{1B}[31m", "<0x1B>[31m"), ("a\tb\r\n", "a<0x09>b<0x0D><0x0A>"), ("\u{7F}", "<0x7F>"), ("\u{9B}31m", "<0x9B>31m"),
        ("\u{85}", "<0x85>"), ("\u{202E}txt", "<U+202E>txt"), ("\u{2066}\u{2069}", "<U+2066><U+2069>"), ("\u{200E}", "<U+200E>"),
        ("a\u{200B}b", "a<U+200B>b"), ("\u{2060}", "<U+2060>"), ("\u{FEFF}x", "<U+FEFF>x"), ("\u{E0041}", "<U+E0041>"),
        ("\u{2028}\u{2029}", "<U+2028><U+2029>"), ("a\u{AD}b", "a<U+00AD>b"), ("\u{3164}", "<U+3164>"), ("\u{FFFE}", "<U+FFFE>"),
        ("\u{E000}", "<U+E000>"), ("\u{378}", "<U+0378>"), ("\u{10FFFF}", "<U+10FFFF>"), ("a\u{E0100}", "a<U+E0100>"),
        ("x\u{FE0F}", "x<U+FE0F>"), ("plain text", "plain text"), ("∇ Ġ ␣ ▀ é 日本 🙂", "∇ Ġ ␣ ▀ é 日本 🙂"), ("", ""),
    ])
    func hiddenAndObeyedCharactersAreShown(_ text: String, _ shown: String) {
        #expect(Array(VisibleText.line(text).unicodeScalars) == Array(shown.unicodeScalars))
    }

    @Test(arguments: [
        ("👨\u{200D}👩", true), ("क्\u{200D}ष", true), ("क्\u{200C}ष", true), ("👍\u{1F3FD}\u{200D}👩", true), ("❤\u{FE0F}", true),
        ("a\u{200D}b", false), ("👨\u{200D}", false), ("\u{200D}👩", false), ("ab\u{200C}", false), ("م\u{200C}ن", false),
    ])
    func joinersStayOnlyInsideEmojiAndIndicWords(_ text: String, _ stays: Bool) {
        let shown = VisibleText.line(text)
        #expect(shown.contains("<U+") != stays)
        if stays { #expect(shown == text) }
    }

    @Test func combiningMarksAreCapped() {
        let flood = "a" + String(repeating: "\u{301}", count: 1000) + "b"
        let clusters = VisibleText.clusters(flood)
        #expect(clusters.allSatisfy { $0.marks.count <= VisibleText.marksPerCell })
        #expect(VisibleText.line(flood).hasSuffix("<+992 marks>b"))
        #expect(Array(VisibleText.line("\u{301}x").unicodeScalars) == ["◌", "\u{301}", "x"])
        #expect(Array(VisibleText.line("\u{1B}\u{301}").unicodeScalars.suffix(3)) == [">", "◌", "\u{301}"])
    }

    @Test(
        arguments: [
            ([0xC0, 0xAF], "<0xC0><0xAF>"), ([0xE2, 0x82], "<0xE2><0x82>"), ([0xED, 0xA0, 0x80], "<0xED><0xA0><0x80>"),
            ([0xF4, 0x90, 0x80, 0x80], "<0xF4><0x90><0x80><0x80>"), ([0xE0, 0x80, 0xAF], "<0xE0><0x80><0xAF>"), ([0x80], "<0x80>"),
            ([0xE2, 0x82, 0xAC], "€"), ([0x61, 0xFF, 0x62], "a<0xFF>b"), ([0xF0, 0x9F, 0x99, 0x82], "🙂"), ([0xC2, 0x9B], "<0x9B>"),
            ([0xF0, 0x9F, 0x41], "<0xF0><0x9F>A"), ([0xF5, 0x80, 0x80, 0x80], "<0xF5><0x80><0x80><0x80>"),
        ] as [([UInt8], String)])
    func invalidUTF8IsShownByteByByte(_ bytes: [UInt8], _ shown: String) {
        #expect(VisibleText.line(bytes: bytes) == shown)
    }

    @Test func newlinesStayOnlyWhenAskedFor() {
        #expect(VisibleText.line("a\nb\u{1B}") == "a<0x0A>b<0x1B>")
        #expect(VisibleText.line("a\nb\u{1B}\n", keepingNewlines: true) == "a\nb<0x1B>\n")
    }

    /// All planes that hold characters, and the last ones.
    private static let scalars: [Unicode.Scalar] = [0...0x323AF, 0xE0000...0xE01EF, 0xFFFFE...0x100001, 0x10FFFE...0x10FFFF].joined()
        .compactMap { Unicode.Scalar(UInt32($0)) }

    @Test func anyScalarIsHarmless() {
        for scalar in Self.scalars {
            let clusters = VisibleText.clusters(String(Character(scalar)))
            let isSafe = clusters.allSatisfy { !$0.base.isControl && $0.marks.count <= 8 && (1...2).contains($0.width) }
            if !isSafe || clusters.isEmpty { Issue.record("U+\(String(scalar.value, radix: 16)) gives \(clusters)") }
        }
    }

    @Test(arguments: [("abc", 3), ("日本", 4), ("é", 1), ("e\u{301}", 1), ("🙂", 2), ("\u{1B}", 6), ("👨\u{200D}👩", 4), ("한글", 4), ("ﾊ", 1)])
    func widths(_ text: String, _ width: Int) {
        #expect(VisibleText.width(text) == width)
    }

    @Test(arguments: [("abcdef", 4, "abc…"), ("abc", 3, "abc"), ("日本語", 4, "日…"), ("日本語", 5, "日本…"), ("ab", 0, ""), ("ab", 1, "…")])
    func cutting(_ text: String, _ columns: Int, _ shown: String) {
        #expect(VisibleText.cut(text, to: columns) == shown)
    }

    #if canImport(Glibc)
        /// ncurses counts columns with `wcwidth`; where both disagree a row of the screen would shift.
        @Test func widthsAgreeWithTheCLibrary() throws {
            typealias Wcwidth = @convention(c) (Int32) -> Int32
            typealias Version = @convention(c) () -> UnsafePointer<CChar>
            let wcwidth = unsafeBitCast(try #require(dlsym(nil, "wcwidth")), to: Wcwidth.self)
            let version = unsafeBitCast(try #require(dlsym(nil, "gnu_get_libc_version")), to: Version.self)
            let utf8 = try #require(newlocale(1 << LC_CTYPE, "C.UTF-8", nil))
            let previous = uselocale(utf8)
            defer {
                uselocale(previous)
                freelocale(utf8)
            }
            var differences: [String] = []
            for scalar in Self.scalars {
                guard let cluster = VisibleText.clusters(String(Character(scalar))).first, cluster.base == scalar else { continue }
                let width = Int(wcwidth(Int32(scalar.value)))
                if width != cluster.width {
                    differences.append("U+\(String(scalar.value, radix: 16)): \(cluster.width), C library \(width)")
                }
            }
            let isKnownVersion = String(cString: version()) == "2.36"
            #expect(differences.count <= (isKnownVersion ? 0 : 200), "\(differences.prefix(20))")
        }
    #endif
}
