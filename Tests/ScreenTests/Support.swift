import Foundation
import Screen
import Testing

/// The themes of the repository.
let repositoryThemes: String = {
    var path = #filePath.split(separator: "/").dropLast(3)
    path.append("Themes")
    return "/" + path.joined(separator: "/")
}()

let catalogue = ThemeCatalogue(folders: [repositoryThemes])

/// A surface of this size after drawing on it.
func drawn(_ width: Int, _ height: Int, _ draw: (inout Surface, Rect) -> Void) -> Surface {
    var surface = Surface(width: width, height: height)
    draw(&surface, surface.bounds)
    return surface
}

/// Compares a surface with its golden text, row by row, and its styles if given. Rows are written between bars.
func expectGolden(_ surface: Surface, _ rows: [String], styles: [String]? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(surface.rows == rows, "\n\(quoted(surface.rows))", sourceLocation: sourceLocation)
    guard let styles else { return }
    #expect(surface.styleRuns == styles, "\n\(quoted(surface.styleRuns))", sourceLocation: sourceLocation)
}

/// Rows as Swift literals, to be pasted after they were looked at.
private func quoted(_ rows: [String]) -> String {
    rows.map { "\"\($0)\"," }.joined(separator: "\n")
}

/// Numbers that look random and are the same in every run.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

extension Unicode.Scalar {
    /// Whether a terminal would obey this character: C0, DEL, C1.
    var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}

/// Whether a text holds no character that a terminal would obey.
func isHarmless(_ text: String) -> Bool {
    !text.unicodeScalars.contains { $0.isControl }
}
