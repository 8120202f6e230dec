import Engine
import Foundation
import Screen
import Testing
import Workbench

/// Scripts: what is recorded replays, and the first thing that differs is named.
@Suite struct ScriptTests {
    private static let scripts = Harness.root + "/Samples/Scripts"

    private static func player(size: Size = Size(80, 24), folder: String = scripts) -> ScriptPlayer {
        let session = Session(size: size, theme: "night", themes: Harness.themes.names)
        return ScriptPlayer(InlineWorkbench(session), catalogue: Harness.themes, folder: folder)
    }

    /// The problem of a script of one sample and some lines.
    private static func problem(_ lines: String) -> String? {
        var player = player()
        do { try player.play("open ../fables-llama\n" + lines, name: "test") } catch { return error.description }
        return nil
    }

    @Test(
        arguments: try FileManager.default.contentsOfDirectory(atPath: scripts).filter { $0.hasSuffix(".mica") },
        [Size(80, 24), Size(160, 48)])
    func bundledScriptsPlay(_ name: String, _ size: Size) throws {
        var player = Self.player(size: size)
        try player.play(String(contentsOfFile: "\(Self.scripts)/\(name)", encoding: .utf8), name: name)
        #expect(player.session.model != nil)
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let lines: String
        let says: String
        var testDescription: String { lines }
    }

    @Test(arguments: [
        Mistake(lines: "frobnicate", says: "test:2: there is no command 'frobnicate'"),
        Mistake(lines: "\n\ngoto nowhere", says: "test:4: goto: there is no value 'nowhere'"),
        Mistake(lines: "keys: j Enterr", says: "test:2: 'Enterr' is no key"),
        Mistake(lines: "expect such a thing is not there", says: "test:2: the screen does not show 'such a thing is not there'"),
        Mistake(lines: "expect-not Explore", says: "test:2: the screen shows 'Explore'"),
        Mistake(lines: "size 80", says: "test:2: a size is written 80x24"),
        Mistake(lines: "open ../no-such-model", says: "test:2: "),
        Mistake(lines: "theme no-such-theme", says: "test:2: "),
        Mistake(lines: "save-screen /no/such/folder/x.txt", says: "test:2: cannot write /no/such/folder/x.txt"),
        Mistake(lines: "ids 1,2,999999", says: "test:2: token id 999999 is outside the vocabulary"),
        Mistake(lines: "# hash model.norm 12", says: "test:2: model.norm differs: its hash is "),
        Mistake(lines: "restart\n# hash model.norm 12", says: "test:3: model.norm has not been computed, its hash was 12"),
        Mistake(lines: "# hash no.such 12", says: "test:2: there is no value 'no.such'"),
    ])
    func mistakesAreNamedByTheirLine(_ mistake: Mistake) {
        #expect(Self.problem(mistake.lines)?.hasPrefix(mistake.says) == true, "\(Self.problem(mistake.lines) ?? "it played")")
    }

    @Test func commentsBlanksAndColonsAreFine() {
        #expect(Self.problem("# a comment\r\n\n  :goto model.norm  \n#another\nexpect  norm\nquit\nfrobnicate behind the end") == nil)
    }

    /// Whoever plays a script sees the screens that it names, as they are at that line.
    @Test func screensAreShown() throws {
        var shown: [(String, String)] = []
        let session = Session(size: Size(80, 24), theme: "night", themes: Harness.themes.names)
        var player = ScriptPlayer(InlineWorkbench(session), catalogue: Harness.themes, folder: Self.scripts) { name, surface, _ in
            shown.append((name, surface.text))
        }
        try player.play("open ../fables-llama\n# screen first\nscreen numerics\n# a screen that is none\n# screen second", name: "test")
        #expect(shown.map(\.0) == ["first", "second"])
        #expect(shown[0].1.contains("Program") && shown[1].1.contains("Values and their formats"))
    }

    @Test(arguments: ["x.txt", "x.svg", "x.ansi"])
    func screensAreSaved(_ name: String) throws {
        let path = NSTemporaryDirectory() + "mica-\(UUID().uuidString)-\(name)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(Self.problem("save-screen \(path)") == nil)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("Explore"))
        #expect(name.hasSuffix(".svg") == text.hasPrefix("<svg") || text.contains("<svg"))
    }

    /// A session by keys, recorded from the middle of a run: the script brings another session to the same values and the same screen.
    @Test(arguments: [
        "s s S s", "> > <", "x s s X s", "7 l l Tab j j v n", ": g o t o Space m o d e l . n o r m Enter", "? j q z z", "g l j Enter q",
        "R Space 2 ] }",
    ])
    func whatWasRecordedReplays(_ keys: String) throws {
        var harness = Harness.open(prompt: "Long ago, Tom and Mia", size: Size(100, 30))
        harness.command("goto model.layers.2.self_attn.probs")
        harness.command("run-to model.layers.3.mlp.down_proj")
        harness.command("record take.mica")
        harness.keys(keys)
        harness.command("record")
        let script = try #require(harness.effects.compactMap { if case .write(let text, _) = $0 { text } else { nil } }.last)
        var player = Self.player(size: Size(80, 24), folder: "/")
        try player.play(script, name: "take.mica")
        #expect(CommandScript.hashes(player.session) == CommandScript.hashes(harness.session))
        #expect(player.session.page == harness.session.page)
        #expect(player.session.place == harness.session.place)
        harness.session.message = nil
        player.workbench.session.message = nil
        #expect(Drawing.draw(player.session).rows == harness.draw().rows)
    }

    /// A value that differs is the first that the replay names.
    @Test func theFirstDifferenceIsNamed() throws {
        var harness = Harness.open(prompt: "Tom and Mia")
        harness.command("record take.mica")
        harness.command("record")
        let script = try #require(harness.effects.compactMap { if case .write(let text, _) = $0 { text } else { nil } }.last)
        var lines = script.split(separator: "\n").map(String.init)
        let first = try #require(lines.firstIndex { $0.hasPrefix("# hash ") })
        for index in [first + 5, first + 9] { lines[index] = lines[index].split(separator: " ").dropLast().joined(separator: " ") + " abc" }
        let name = lines[first + 5].split(separator: " ")[2]
        var player = Self.player(folder: "/")
        let error = #expect(throws: ScriptError.self) { try player.play(lines.joined(separator: "\n"), name: "take") }
        #expect(error?.line == first + 6)
        #expect(error?.problem.hasPrefix("\(name) differs") == true)
    }
}
