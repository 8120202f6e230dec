/// A theme at one depth as a numbered table, for a back end that must name its colours beforehand, as ncurses must its pairs.
///
/// Style 0 is the terminal's own; then come the roles, then for each map the half-block pairs, the halves, and text on heat. Levels are
/// reduced to the steps of the depth, so the table is small: about 50 styles in mono, 550 in 256 colours, 12 700 in true colour.
package struct StyleTable: Sendable {
    package let theme: Theme
    package let depth: ColorDepth
    package let glyphs: GlyphSet
    /// The styles by number.
    package let styles: [ResolvedStyle]
    /// Where the styles of each map begin, by the raw value of its kind.
    private let starts: [Int]

    package init(_ theme: Theme, depth terminal: ColorDepth, glyphs: GlyphSet = .unicode) {
        let depth = theme.depth(on: terminal)
        (self.theme, self.depth, self.glyphs) = (theme, depth, glyphs)
        var styles = [ResolvedStyle.plain] + Role.allCases.map { theme.resolve(.role($0), depth: depth, glyphs: glyphs) }
        var starts: [Int] = []
        for kind in MapKind.allCases {
            starts.append(styles.count)
            styles += StyleTable.members(kind, theme.map(kind), depth, glyphs).map { theme.resolve($0, depth: depth, glyphs: glyphs) }
        }
        (self.styles, self.starts) = (styles, starts)
    }

    /// The number of a cell's style. Its own attributes come on top, see `attributes(_:)`.
    package func index(of style: Style) -> Int {
        switch style {
        case .role(let role): 1 + role.index
        case .heat(let kind, let top, let bottom):
            if pairsHalves {
                start(kind) + step(kind, top) * steps(kind) + step(kind, bottom)
            } else {
                start(kind) + step(kind, Ramp.larger(kind, top, bottom))
            }
        case .half(let kind, let level): start(kind) + halfOffset(kind) + step(kind, level)
        case .onHeat(let kind, let level): start(kind) + halfOffset(kind) + steps(kind) + step(kind, level)
        }
    }

    /// All attributes of a cell: its role's and its own.
    package func attributes(_ cell: Cell) -> Attributes {
        styles[index(of: cell.style)].attributes.union(cell.attributes)
    }

    /// The cell with its glyph as this terminal shows it; the style is that of `index(of:)`.
    package func shown(_ cell: Cell) -> ResolvedCell {
        theme.resolve(cell, depth: depth, glyphs: glyphs)
    }

    /// Whether two values share a cell.
    private var pairsHalves: Bool { depth.showsHalfBlocks && glyphs == .unicode }

    private func start(_ kind: MapKind) -> Int { starts[Int(kind.rawValue)] }
    private func steps(_ kind: MapKind) -> Int { StyleTable.steps(theme.map(kind), depth) }
    private func halfOffset(_ kind: MapKind) -> Int { pairsHalves ? steps(kind) * steps(kind) : steps(kind) }

    /// Without colour every level has its own number, since attributes depend on it.
    private func step(_ kind: MapKind, _ level: UInt8) -> Int {
        depth == .mono ? min(Int(level), Style.levels - 1) : theme.map(kind).step(level, depth)
    }

    private static func steps(_ map: ColorMap, _ depth: ColorDepth) -> Int {
        depth == .mono ? Style.levels : map.count(depth)
    }

    /// The styles of one map in the order of their numbers.
    private static func members(_ kind: MapKind, _ map: ColorMap, _ depth: ColorDepth, _ glyphs: GlyphSet) -> [Style] {
        let count = steps(map, depth)
        let levels = (0..<count).map { UInt8(($0 * Style.levels + count - 1) / count) }
        let pairs: [Style] =
            depth.showsHalfBlocks && glyphs == .unicode
            ? levels.flatMap { top in levels.map { Style.heat(kind, top: top, bottom: $0) } }
            : levels.map { Style.heat(kind, top: $0, bottom: $0) }
        return pairs + levels.map { Style.half(kind, level: $0) } + levels.map { Style.onHeat(kind, level: $0) }
    }
}
