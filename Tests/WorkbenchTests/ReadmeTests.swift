import Foundation
import Testing
import Workbench

/// The README's tables are the program's own.
struct ReadmeTests {
    @Test func theTableOfKeysIsCurrent() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("README.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let updated = try #require(Section.replacing("keys", in: text, with: HelpText.markdown))
        if ProcessInfo.processInfo.environment["MICA_UPDATE"] != nil { try updated.write(to: file, atomically: true, encoding: .utf8) }
        #expect(text == updated, "run MICA_UPDATE=1 swift test --filter ReadmeTests")
    }
}

/// A part of the README between `<!-- name: … -->` and `<!-- /name -->`.
enum Section {
    static func replacing(_ name: String, in text: String, with content: String) -> String? {
        guard let start = text.range(of: "<!-- \(name):"), let startEnd = text.range(of: "-->\n", range: start.upperBound..<text.endIndex),
            let end = text.range(of: "<!-- /\(name) -->", range: startEnd.upperBound..<text.endIndex)
        else { return nil }
        return text[..<startEnd.upperBound] + content + "\n" + text[end.lowerBound...]
    }
}
