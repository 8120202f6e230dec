import Screen
import Testing

@Suite struct InputTests {
    @Test(arguments: [
        ("j", Key("j")), ("C-x", .control("x")), ("M-f", Key(.character("f"), .alt)), ("S-Tab", Key(.tab, .shift)),
        ("F12", Key(.function(12))),
        ("Space", Key(" ")), ("Enter", Key(.enter)), ("C-M-Up", Key(.up, [.control, .alt])), ("-", Key("-")), ("?", Key("?")),
        ("C--", .control("-")), ("é", Key("é")), ("F", Key("F")), ("PgDn", Key(.pageDown)),
    ])
    func keyNamesGoBothWays(_ name: String, _ key: Key) throws {
        #expect(key.description == name)
        #expect(Key(String(name)) == key)
    }

    @Test(arguments: ["", "foo", "F25", "F0", "C-", "C-foo", "ab"])
    func otherNamesAreNone(_ name: String) {
        #expect(Key(String(name)) == nil || name == "C-")
    }

    @Test func theHeadlessTerminalPlaysItsEvents() {
        let terminal = HeadlessTerminal(size: Size(80, 24), events: [.key(Key("j")), .resize(Size(60, 16))])
        #expect(terminal.nextEvent(timeout: nil) == .key(Key("j")))
        #expect(terminal.nextEvent(timeout: nil) == .resize(Size(60, 16)))
        #expect(terminal.size == Size(60, 16))
        #expect(terminal.nextEvent(timeout: .seconds(1)) == nil)
        #expect(terminal.nextEvent(timeout: nil) == .hangup)
        terminal.present(Surface(terminal.size), theme: ThemeCatalogue.fallback)
        #expect(terminal.frames == 1 && terminal.surface.size == Size(60, 16))
    }
}
