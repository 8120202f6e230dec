import Curses
import Screen
import Testing

/// What terminals send, and what it is.
@Suite struct KeyDecoderTests {
    struct Sent: Sendable, CustomTestStringConvertible {
        var bytes: String
        var results: [KeyDecoder.Result]
        var testDescription: String { bytes.debugDescription }

        init(_ bytes: String, _ results: [KeyDecoder.Result]) { (self.bytes, self.results) = (bytes, results) }
        init(_ bytes: String, _ keys: Key...) { self.init(bytes, keys.map { .event(.key($0)) }) }
        init(_ bytes: String, mouse action: MouseEvent.Action, _ x: Int, _ y: Int, _ modifiers: Key.Modifiers = []) {
            self.init(bytes, [.event(.mouse(MouseEvent(action, at: Point(x, y), modifiers: modifiers)))])
        }
    }

    static let certain: [Sent] = [
        Sent("a", Key("a")), Sent("Z?", Key("Z"), Key("?")), Sent("é∇🙂", Key("é"), Key("∇"), Key("🙂")), Sent(" ", Key(" ")),
        Sent("\r", Key(.enter)), Sent("\n", Key(.enter)), Sent("\t", Key(.tab)), Sent("\u{7F}", Key(.backspace)),
        Sent("\u{8}", Key(.backspace)),
        Sent("\u{3}", .control("c")), Sent("\u{1A}", .control("z")), Sent("\u{0}", .control(" ")), Sent("\u{1C}", .control("\\")),
        Sent("\u{1B}[A", Key(.up)), Sent("\u{1B}[B", Key(.down)), Sent("\u{1B}[C", Key(.right)), Sent("\u{1B}[D", Key(.left)),
        Sent("\u{1B}OA", Key(.up)), Sent("\u{1B}OD", Key(.left)), Sent("\u{1B}OH", Key(.home)), Sent("\u{1B}OF", Key(.end)),
        Sent("\u{1B}OM", Key(.enter)), Sent("\u{1B}Oq", Key("1")), Sent("\u{1B}Ok", Key("+")),
        Sent("\u{1B}[H", Key(.home)), Sent("\u{1B}[1~", Key(.home)), Sent("\u{1B}[7~", Key(.home)), Sent("\u{1B}[4~", Key(.end)),
        Sent("\u{1B}[2~", Key(.insert)), Sent("\u{1B}[3~", Key(.delete)), Sent("\u{1B}[5~", Key(.pageUp)),
        Sent("\u{1B}[6~", Key(.pageDown)),
        Sent("\u{1B}[Z", Key(.tab, .shift)), Sent("\u{1B}[1;5C", Key(.right, .control)), Sent("\u{1B}[1;2A", Key(.up, .shift)),
        Sent("\u{1B}[1;3D", Key(.left, .alt)), Sent("\u{1B}[5;5~", Key(.pageUp, .control)),
        Sent("\u{1B}[1;8B", Key(.down, [.shift, .alt, .control])),
        Sent("\u{1B}OP", Key(.function(1))), Sent("\u{1B}[11~", Key(.function(1))), Sent("\u{1B}[[A", Key(.function(1))),
        Sent("\u{1B}[15~", Key(.function(5))), Sent("\u{1B}[17~", Key(.function(6))), Sent("\u{1B}[24~", Key(.function(12))),
        Sent("\u{1B}[1;2R", Key(.function(3), .shift)), Sent("\u{1B}x", Key(.character("x"), .alt)),
        Sent("\u{1B}é", Key(.character("é"), .alt)),
        Sent("\u{1B}\u{1B}[A", Key(.up, .alt)), Sent("\u{1B}\r", Key(.enter, .alt)),
        Sent("\u{1B}[97;5u", .control("a")), Sent("\u{1B}[27;5;97~", .control("a")), Sent("\u{1B}[13;2u", Key(.enter, .shift)),
        // Not known: swallowed whole, and what follows is itself again.
        Sent("\u{1B}[I\u{1B}[Oq", Key("q")), Sent("\u{1B}[99;99;99X:", Key(":")), Sent("\u{1B}[?1;2;4Sq", Key("q")),
        Sent("\u{1B}[200;5Hq", Key("q")), Sent("\u{1B}[12;40Rq", Key("q")), Sent("\u{1B}]4;1;rgb:00/00/00\u{7}q", Key("q")),
        Sent("\u{1B}P1$r0m\u{1B}\\q", Key("q")), Sent("\u{1B}[57358uq", Key("q")),
    ]

    static let others: [Sent] = [
        Sent("\u{1B}[<0;240;5M", mouse: .press(.left), 239, 4), Sent("\u{1B}[<0;240;5m", mouse: .release(.left), 239, 4),
        Sent("\u{1B}[<2;1;1M", mouse: .press(.right), 0, 0), Sent("\u{1B}[<32;3;4M", mouse: .drag(.left), 2, 3),
        Sent("\u{1B}[<64;3;4M", mouse: .wheelUp, 2, 3), Sent("\u{1B}[<81;3;4M", mouse: .wheelDown, 2, 3, .control),
        Sent("\u{1B}[<4;3;4M", mouse: .press(.left), 2, 3, .shift), Sent("\u{1B}[M !\"", mouse: .press(.left), 0, 1),
        Sent("\u{1B}[<1;2M", []), Sent("\u{1B}[<35;3;4M", []),
        Sent("\u{1B}[200~q:é\rw\r\nx\u{1B}[A\u{1B}[201~", [.event(.paste("q:é\nw\nx\u{1B}[A"))]),
        Sent("\u{1B}[200~\u{1B}[201~", [.event(.paste(""))]),
        Sent("\u{1B}[?2026;2$y", [.report(.synchronizedUpdates(true))]), Sent("\u{1B}[?2026;0$y", [.report(.synchronizedUpdates(false))]),
        Sent("\u{1B}[?62;22c", [.report(.identity)]),
        Sent("\u{1B}]11;rgb:0d0d/1111/1717\u{1B}\\", [.report(.background(RGB(0x0D, 0x11, 0x17)))]),
        Sent("\u{1B}]11;rgb:f/f/f\u{7}", [.report(.background(RGB(255, 255, 255)))]),
    ]

    @Test("in one piece, in single bytes, and in any two pieces", arguments: certain + others)
    func decodes(_ sent: Sent) {
        let bytes = Array(sent.bytes.utf8)
        for cut in 0...bytes.count {
            var decoder = KeyDecoder()
            #expect(decoder.feed(bytes[..<cut]) + decoder.feed(bytes[cut...]) == sent.results, "cut at \(cut)")
            #expect(!decoder.isWaiting)
        }
        var decoder = KeyDecoder()
        #expect(bytes.flatMap { decoder.feed([$0]) } == sent.results)
    }

    static let undecided: [Sent] = [
        Sent("\u{1B}", Key(.escape)), Sent("\u{1B}\u{1B}", Key(.escape), Key(.escape)), Sent("\u{1B}[", Key(.character("["), .alt)),
        Sent("\u{1B}O", Key(.character("O"), .alt)), Sent("\u{1B}]", Key(.character("]"), .alt)), Sent("\u{1B}[1;", []),
        Sent("\u{1B}[<0;3", []),
        Sent("\u{1B}[200~half", [.event(.paste("half"))]),
    ]

    @Test("what patience decides", arguments: undecided)
    func decides(_ sent: Sent) {
        var decoder = KeyDecoder()
        #expect(decoder.feed(sent.bytes.utf8).isEmpty)
        #expect(decoder.isWaiting)
        #expect(decoder.flush() == sent.results)
        #expect(!decoder.isWaiting)
    }

    @Test("bytes that are no UTF-8 vanish and spoil nothing")
    func invalid() {
        for bytes: [UInt8] in [[0xFF], [0x80], [0xC0, 0x80], [0xE2, 0x28], [0xF8, 0x88], [0xED, 0xA0, 0x80]] {
            var decoder = KeyDecoder()
            let results = decoder.feed(bytes + [0x71])
            #expect(results.last == .event(.key(Key("q"))), "\(bytes)")
        }
    }

    @Test("the terminal's own table comes first, and the longest entry of it")
    func table() {
        var decoder = KeyDecoder(keys: [Array("\u{1B}[A".utf8): Key(.function(9)), Array("\u{1B}[AB".utf8): Key(.function(10))])
        #expect(
            decoder.feed("\u{1B}[AB\u{1B}[AC".utf8) == [
                .event(.key(Key(.function(10)))), .event(.key(Key(.function(9)))), .event(.key(Key("C"))),
            ])
    }

    @Test("a long paste comes in parts, and none of it is a key")
    func longPaste() {
        var decoder = KeyDecoder()
        let text = String(repeating: "0123456789abcdef", count: 200_000)
        var pasted = ""
        var others = 0
        let bytes = Array("\u{1B}[200~\(text)\u{1B}[201~".utf8)
        for start in stride(from: 0, to: bytes.count, by: 4096) {
            for result in decoder.feed(bytes[start..<min(start + 4096, bytes.count)]) {
                if case .event(.paste(let part)) = result { pasted += part } else { others += 1 }
            }
        }
        #expect(pasted == text)
        #expect(others == 0)
    }

    @Test("no bytes at all make it trap, wait for ever or fire more keys than there are bytes")
    func randomBytes() {
        var generator = SystemRandomNumberGenerator()
        let alphabet: [UInt8] = Array("\u{1B}\u{1B}\u{1B}[[O]P<?;:0129ABMRmu~$ qé".utf8) + [0x80, 0xFF, 0x00]
        for _ in 0..<20_000 {
            var decoder = KeyDecoder()
            let bytes = (0..<Int.random(in: 1..<24, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            let results = decoder.feed(bytes) + decoder.flush()
            #expect(!decoder.isWaiting && results.count <= bytes.count, "\(bytes)")
        }
    }
}
