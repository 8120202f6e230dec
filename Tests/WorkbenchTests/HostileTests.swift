import Foundation
import Screen
import Testing
import Workbench

/// Text from files and prompts is shown, never obeyed: no control, bidi or invisible character reaches a surface or an export.
@Suite struct HostileTests {
    /// ESC and OSC sequences, BEL, C1, bidi overrides, zero-width and tag characters.
    static let evil = "\u{1B}[31m\u{1B}]0;x\u{7}\u{85}\u{9B}2J\u{202E}\u{2066}\u{200B}\u{FEFF}\u{E0041}\u{2028}"

    /// A copy of the sample whose folder has an evil name, and whose vocabulary has an evil token.
    private static func folder() throws -> String {
        let codes = evil.unicodeScalars.flatMap { Array(String($0).utf16) }.map { "\\u" + String(0x10000 + Int($0), radix: 16).dropFirst() }
        return try Harness.copy(.llama, name: evil) { $0.replacing("<|reserved_special_token_3|>", with: codes.joined()) }
    }

    @Test(arguments: PageCatalogue.all.map { $0.id })
    func evilTokensNamesAndPromptsAreHarmless(_ page: PageID) throws {
        let path = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var harness = Harness(size: Size(160, 48))
        harness.session.pendingPrompt = .text("a\(Self.evil)b")
        harness.command("open \(path)")
        #expect(harness.snapshot != nil)
        #expect(
            harness.session.tokenIDs.contains {
                harness.session.tokenLabel($0).contains("<0x1B>") && harness.session.tokenLabel($0).contains("<U+202E>")
            })
        harness.screen(page)
        for size in [Size(80, 24), Size(160, 48)] {
            harness.resize(size)
            try check(harness)
            harness.keys("h h")
            try check(harness)
        }
        harness.keys("p")
        try check(harness)
        harness.keys("Esc")
        harness.command("open \(Self.evil)")
        try check(harness)
        harness.command(Self.evil)
        try check(harness)
        harness.command("search \(Self.evil)")
        try check(harness)
    }

    private func check(_ harness: Harness) throws {
        let surface = harness.draw()
        for cell in surface.cells { for scalar in [cell.glyph] + cell.marks { #expect(Self.isHarmless(scalar), "\(scalar.value)") } }
        let theme = try Harness.themes.theme("night")
        for text in [SurfaceExport.svg(surface, theme: theme), SurfaceExport.text(surface)] {
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || Self.isHarmless($0) })
        }
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: false
        default: true
        }
    }
}
