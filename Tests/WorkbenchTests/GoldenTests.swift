import Foundation
import Screen
import Testing
import Workbench

/// What each page looked like when somebody looked at it last: the rows as text, and the runs of their styles. After a change that is
/// meant, look at the difference and write the new ones: `MICA_UPDATE=1 swift test --filter GoldenTests`.
@Suite struct GoldenTests {
    @Test(arguments: PageCatalogue.all.map { $0.id }, [Size(80, 24), Size(160, 48)])
    func pagesLookAsTheyDid(_ page: PageID, _ size: Size) throws {
        var harness = Harness.open(size: size)
        harness.screen(page)
        try Self.compare(harness.draw(), "\(page.rawValue)-\(size.width)x\(size.height).txt")
    }

    /// Rows and styles against the file of this name.
    static func compare(_ surface: Surface, _ name: String) throws {
        let text = Self.steady(
            (surface.text.split(separator: "\n", omittingEmptySubsequences: false) + ["", "styles"]).joined(separator: "\n"))
        try compare(text + "\n" + surface.styleRuns.joined(separator: "\n") + "\n", name)
    }

    /// Hashes are of bits that another processor may round otherwise.
    private static func steady(_ text: String) -> String {
        text.replacing(/hash +[0-9a-f]{8,16}/) { "hash" + String(repeating: "·", count: $0.output.count - 4) }
    }

    private static func compare(_ text: String, _ name: String) throws {
        let folder = Harness.root + "/Tests/WorkbenchTests/Golden"
        let file = "\(folder)/\(name)"
        if ProcessInfo.processInfo.environment["MICA_UPDATE"] != nil {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try text.write(toFile: file, atomically: true, encoding: .utf8)
        }
        let wanted = try String(contentsOfFile: file, encoding: .utf8)
        guard text != wanted else { return }
        let lines = zip(
            text.split(separator: "\n", omittingEmptySubsequences: false), wanted.split(separator: "\n", omittingEmptySubsequences: false))
        let differences = lines.enumerated().filter { $0.element.0 != $0.element.1 }.prefix(8)
        let shown = differences.map { "\($0.offset + 1) - \($0.element.1)\n\($0.offset + 1) + \($0.element.0)" }
        Issue.record("\(name) differs:\n\(shown.joined(separator: "\n"))")
    }
}
