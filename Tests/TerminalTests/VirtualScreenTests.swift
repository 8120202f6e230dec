import Screen
import Testing

/// The tests' own terminal, on sequences whose result is known.
@Suite struct VirtualScreenTests {
    /// Bytes, and the text they leave on a screen of six columns and three rows.
    struct Drawing: Sendable, CustomTestStringConvertible {
        var bytes: String
        var text: String
        var testDescription: String { bytes.debugDescription }
    }

    static let drawings = [
        ("ab\r\ncd", "ab\ncd\n"), ("\u{1B}[2;3Hx", "\n  x\n"), ("abcdefgh", "abcdef\ngh\n"), ("abcdef\u{1B}[1Gx", "xbcdef\n\n"),
        ("abc\u{1B}[1;2H\u{1B}[K", "a\n\n"), ("a\u{1B}[3b", "aaaa\n\n"), ("\u{1B}(0qx\u{1B}(Bq", "─│q\n\n"), ("日本x", "日本x\n\n"),
        ("e\u{301}x", "e\u{301}x\n\n"), ("1\r\n2\r\n3\r\n4", "2\n3\n4"), ("1\r\n2\r\n3\u{1B}[1;2r\u{1B}[2;1H\nx", "2\nx\n3"),
        ("abcdef\u{1B}[1;3H\u{1B}[2P", "abef\n\n"), ("ab\u{1B}[1;1H\u{1B}[2@", "  ab\n\n"), ("1\r\n2\u{1B}[1;1H\u{1B}[L", "\n1\n2"),
        ("x\u{1B}[?1049hsecond\u{1B}[?1049l", "x\n\n"), ("a\u{1B}[1;1H\u{1B}[31;1mb\u{1B}[m", "b\n\n"), ("ab\u{1B}[2X", "ab\n\n"),
        ("abc\u{1B}[1;1H\u{1B}[J", "\n\n"), ("a\u{1B}]0;title\u{7}b\u{1B}]2;t\u{1B}\\c", "abc\n\n"),
    ].map { Drawing(bytes: $0.0, text: $0.1) }

    @Test(arguments: drawings)
    func shows(_ drawing: Drawing) {
        var screen = VirtualScreen(size: Size(6, 3))
        for byte in drawing.bytes.utf8 { screen.feed([byte]) }
        #expect(screen.text == drawing.text)
        #expect(screen.unknown.isEmpty)
    }

    @Test("modes, answers and what it does not know")
    func modes() {
        var screen = VirtualScreen(size: Size(6, 3))
        screen.feed("\u{1B}[?1049;2004h\u{1B}[?25l\u{1B}=\u{1B}[c\u{1B}[5y".utf8)
        #expect(screen.modes == [7, 1049, 2004] && screen.hasApplicationKeypad)
        #expect(String(decoding: screen.replies, as: UTF8.self) == "\u{1B}[?62;22c")
        #expect(screen.unknown == ["CSI 5y"])
    }
}
