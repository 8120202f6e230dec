import Foundation
import Testing

import Screen

@Suite struct ThemeTests {
    static let names = catalogue.names

    @Test func allThemesAreFound() {
        #expect(Self.names == ["day", "high-contrast", "mono", "night", "projector"])
    }

    @Test(arguments: names)
    func lintIsClean(_ name: String) throws {
        let findings = try catalogue.lint(name)
        #expect(findings.isEmpty, "\(findings.map(\.description))")
    }

    @Test(arguments: names, ColorDepth.allCases)
    func everyStyleResolvesAndItsNumberIsRight(_ name: String, _ depth: ColorDepth) throws {
        let theme = try catalogue.theme(name)
        for glyphs in GlyphSet.allCases {
            let table = StyleTable(theme, depth: depth, glyphs: glyphs)
            for style in Self.samples {
                let number = table.index(of: style)
                #expect(table.styles.indices.contains(number))
                let resolved = theme.resolve(style, depth: depth, glyphs: glyphs)
                #expect(table.styles[number] == resolved, "\(style) \(glyphs)")
                #expect(Self.fits(resolved.foreground, depth) && Self.fits(resolved.background, depth))
            }
        }
    }

    private static let samples: [Style] =
        Role.allCases.map { .role($0) }
        + MapKind.allCases.flatMap { kind in
            (0..<64).flatMap { level -> [Style] in
                let level = UInt8(level)
                return [.heat(kind, top: level, bottom: 63 - level), .half(kind, level: level), .onHeat(kind, level: level)]
            }
        }

    private static func fits(_ color: Color, _ depth: ColorDepth) -> Bool {
        switch (color, depth) {
        case (.standard, _), (.rgb, .trueColor), (.index, .xterm256): true
        case (.index(let index), .ansi16): index < 16
        case (.index(let index), .ansi8): index < 8
        default: false
        }
    }

    @Test(arguments: names)
    func withoutColourFocusSelectionAndSignsStillShow(_ name: String) throws {
        let theme = try catalogue.theme(name)
        let plain = theme.resolve(.role(.text), depth: .mono)
        for role in [
            Role.select, .selectDim, .tabActive, .borderFocus, .title, .cursor, .nan, .posInf, .negInf, .status, .key, .err, .caret,
        ] {
            #expect(theme.resolve(.role(role), depth: .mono).attributes != plain.attributes, "\(role)")
        }
        #expect(theme.resolve(.role(.select), depth: .mono) != theme.resolve(.role(.selectDim), depth: .mono))
    }

    @Test func negativeValuesAreUnderlinedWithoutColour() throws {
        let theme = try catalogue.theme("night")
        #expect(theme.resolve(Style.heat(.diverging, top: 0, bottom: 5), depth: .mono).attributes == .underline)
        #expect(theme.resolve(Style.heat(.diverging, top: 63, bottom: 5), depth: .mono).attributes == [])
        #expect(theme.resolve(Style.heat(.sequential, top: 0, bottom: 5), depth: .mono).attributes == [])
    }

    @Test func compiledInThemesAreTheFiles() throws {
        for (name, text) in BuiltInThemes.texts {
            let file = try String(contentsOfFile: "\(repositoryThemes)/\(name).toml", encoding: .utf8)
            #expect(text == file)
        }
        let night = try catalogue.theme("night")
        #expect(ThemeCatalogue.fallback == night)
    }

    @Test(arguments: [
        ("text = \"#12345 on bg\"", "neither #rrggbb nor in [palette]"), ("text = \"fg on\"", "no colour after"),
        ("text = \"fg +blink\"", "unknown attribute"), ("text = \"a | b | c | d | e\"", "at most 4"), ("text = \"fg bg\"", "two colours"),
        ("text = \"fg | 256\"", "number from 0 to 255"), ("text = \"fg | 1 | mauve\"", "ANSI"), ("text = 7", "no string"),
        ("text = \"fg", "no TOML"), ("\"\\u001b\" = 1", "no string"),
    ])
    func malformedValuesAreErrorsOfOneHarmlessLine(_ line: String, _ words: String) throws {
        let folder = try Folder(["x.toml": "inherits = \"base\"\n[palette]\nbg = \"#000000\"\n[ui]\n\(line)\n"])
        defer { folder.remove() }
        let error = #expect(throws: ThemeError.self) { _ = try folder.catalogue.theme("x") }
        let text = try #require(error).description
        #expect(text.contains(words) && text.contains("x.toml"), "\(text)")
        #expect(isHarmless(text))
    }

    @Test(arguments: [
        ("inherits = \"x\"", "circle"), ("inherits = \"nothere\"", "no such theme"), ("variant = \"pink\"", "unknown variant"),
        ("[palette]\na = \"b\"\nb = \"a\"", "neither"), ("[data]\n\"map.diverging\" = \"jet\"", "unknown colour map"),
        ("[data]\n\"glyph.nan\" = \"日\"", "one column"), ("[data]\n\"glyph.nan\" = \"abc\"", "one character"), ("palette = 3", "no table"),
        ("\0", "no TOML"),
    ])
    func malformedFilesAreErrors(_ text: String, _ words: String) throws {
        let folder = try Folder(["x.toml": text])
        defer { folder.remove() }
        let error = #expect(throws: ThemeError.self) { try folder.catalogue.theme("x") }
        let description = try #require(error).description
        #expect(description.contains(words), "\(description)")
    }

    @Test(arguments: ["", "..", "../../etc/passwd", "/nonexistent.toml", "/dev/zero", "/tmp", "nosuch", "a\u{0}b", "\u{1B}[31m"])
    func namesFromOutsideAreErrors(_ name: String) {
        let error = #expect(throws: ThemeError.self) { _ = try catalogue.theme(name) }
        #expect(isHarmless(error?.description ?? "\u{1B}"))
    }

    @Test func lookupOrder() throws {
        let first = try Folder(["night.toml": "name = \"Mine\"\ninherits = \"base\""])
        defer { first.remove() }
        #expect(try ThemeCatalogue(folders: [first.path, repositoryThemes]).theme("night").name == "Mine")
        #expect(try ThemeCatalogue(folders: [repositoryThemes, first.path]).theme("night").name == "Night")
        #expect(try ThemeCatalogue(folders: []).theme("mono").variant == .mono)
        #expect(try catalogue.theme(first.path + "/night.toml").name == "Mine")
        let folders = ThemeCatalogue(environment: ["XDG_CONFIG_HOME": "/c", "MICA_RESOURCES": "/r"], program: "/bin").folders
        #expect(folders.prefix(3) == ["/c/mica/themes", "/r/Themes", "/bin/Themes"])
        #expect(ThemeCatalogue(environment: ["HOME": "/h"], program: nil).folders == ["/h/.config/mica/themes"])
    }

    @Test func lintFindsWhatIsWrong() throws {
        let folder = try Folder([
            "x.toml":
                "inherits = \"base\"\n[ui]\ntext = \"#555555 on #444444\"\nnonsense = \"fg\"\n[data]\n\"map.sequential\" = \"berlin\"",
            "bare.toml": "[ui]\ntext = \"#ffffff on #000000\"",
        ])
        defer { folder.remove() }
        let findings = try folder.catalogue.lint("x").map(\.description)
        #expect(findings.contains { $0.hasPrefix("text: contrast 1.") })
        #expect(findings.contains("nonsense: is not known"))
        #expect(findings.contains { $0.hasPrefix("map.sequential: lightness of berlin") })
        #expect(try folder.catalogue.lint("bare").contains { $0.description == "nan: is missing" })
    }

    @Test func missingFormsAreDerived() throws {
        let folder = try Folder(["x.toml": "[ui]\ntext = \"#d0d0d0 on #000000\"\nselect = \"#000000 on #00ffff\"\nerr = \"#ff0000 +bold\""])
        defer { folder.remove() }
        let theme = try folder.catalogue.theme("x")
        #expect(theme.resolve(.role(.select), depth: .xterm256) == ResolvedStyle(.index(16), .index(51)))
        #expect(theme.resolve(.role(.select), depth: .ansi16) == ResolvedStyle(.index(0), .index(14)))
        #expect(theme.resolve(.role(.select), depth: .mono) == ResolvedStyle(.standard, .standard, .reverse))
        #expect(theme.resolve(.role(.err), depth: .ansi8) == ResolvedStyle(.index(1), .index(0), .bold))
    }
}

/// A folder of files for one test.
struct Folder {
    let path: String

    init(_ files: [String: String]) throws {
        path = NSTemporaryDirectory() + "/mica-screen-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8) }
    }

    var catalogue: ThemeCatalogue { ThemeCatalogue(folders: [path]) }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
