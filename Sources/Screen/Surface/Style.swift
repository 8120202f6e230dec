/// Which colour map of the theme a heat cell uses.
package enum MapKind: UInt8, CaseIterable, Sendable {
    /// From little to much: magnitudes, timelines.
    case sequential
    /// Attention probabilities.
    case attention
    /// About zero, with a sign.
    case diverging

    /// The letter of this map in a style dump.
    package var letter: String {
        switch self {
        case .sequential: "s"
        case .attention: "a"
        case .diverging: "d"
        }
    }
}

/// How a cell looks, before any theme: a role, or a place on a colour map.
///
/// Levels run from 0 to `Style.levels - 1` whatever the terminal can show; the theme maps them to fewer steps where it must.
package enum Style: Hashable, Sendable {
    /// The number of levels of a colour map.
    package static let levels = 64

    case role(Role)
    /// Two values one above the other: `▀` with the upper level before the lower one.
    case heat(MapKind, top: UInt8, bottom: UInt8)
    /// One half of a cell, the other being background: `▀` or `▄`.
    case half(MapKind, level: UInt8)
    /// Text on a coloured ground; black or white, whichever reads better.
    case onHeat(MapKind, level: UInt8)

    package static let text = Style.role(.text)

    /// The short name in style dumps: `text`, `d12/40`, `d12/-`, `a63`.
    package var name: String {
        switch self {
        case .role(let role): role.key
        case .heat(let map, let top, let bottom): "\(map.letter)\(top)/\(bottom)"
        case .half(let map, let level): "\(map.letter)\(level)/-"
        case .onHeat(let map, let level): "\(map.letter)\(level)"
        }
    }
}

/// Attributes every terminal knows, in addition to colour.
package struct Attributes: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let bold = Attributes(rawValue: 1)
    package static let dim = Attributes(rawValue: 2)
    package static let underline = Attributes(rawValue: 4)
    package static let reverse = Attributes(rawValue: 8)
    package static let italic = Attributes(rawValue: 16)

    /// The names that theme files use.
    package static let names: [(String, Attributes)] = [
        ("bold", .bold), ("dim", .dim), ("underline", .underline), ("reverse", .reverse), ("italic", .italic),
    ]
}
