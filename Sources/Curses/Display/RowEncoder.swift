import CNcurses
import Glibc
import Screen

/// Turns rows of a surface into cells as the C side takes them.
struct RowEncoder {
    var pairs: PairTable
    /// How many neighbouring levels of a colour map look the same; more than 1 on a slow link, where every change of colour costs.
    var coarseness = 1 {
        didSet { if coarseness != oldValue { forgetLooks() } }
    }
    /// The row encoded last.
    private(set) var cells: [cn_cell] = []
    private(set) var clusters: [cn_cluster] = []
    /// About how many bytes it takes to send.
    private(set) var bytes = 0

    private let isASCII: Bool
    /// A glyph with new colours before it.
    private let bytesPerChange: Int
    /// Whether glyphs go out as they are.
    private var showsGlyphs: Bool
    /// Pair and attributes of the styles of colour maps, as far as they were used: a heat map has thousands of cells and few styles.
    private var looks: [Look?]
    private var lastStyle: Style?
    private var lastLook = Look(pair: 0, attributes: [])

    private struct Look {
        var pair: UInt16
        var attributes: Attributes
        /// Both halves have one colour: a blank shows the same, and takes a third of the bytes.
        var isFlat = false
    }

    init(_ theme: Theme, depth: ColorDepth, glyphs: GlyphSet) {
        pairs = PairTable(theme, depth: depth, glyphs: glyphs)
        isASCII = glyphs == .ascii
        bytesPerChange = depth == .trueColor ? 36 : 20
        showsGlyphs = !isASCII && pairs.styles.depth.showsHalfBlocks
        looks = Array(repeating: nil, count: RowEncoder.placeCount)
    }

    /// Takes another theme. True when the whole screen must be drawn again.
    mutating func use(_ theme: Theme) -> Bool {
        let forgot = pairs.use(theme)
        showsGlyphs = !isASCII && pairs.styles.depth.showsHalfBlocks
        forgetLooks()
        return forgot
    }

    private mutating func forgetLooks() {
        looks = Array(repeating: nil, count: RowEncoder.placeCount)
        lastStyle = nil
    }

    /// Encodes row `y`, cut or padded to `width` columns.
    mutating func encode(_ surface: Surface, row y: Int, width: Int) {
        cells.removeAll(keepingCapacity: true)
        clusters.removeAll(keepingCapacity: true)
        bytes = 8
        let start = y * surface.width
        let count = y < surface.height ? min(width, surface.width) : 0
        surface.cells.withUnsafeBufferPointer { all in
            for index in start..<start + count { append(all[index]) }
        }
        if cells.count < width { pad(to: width) }
    }

    private mutating func append(_ cell: Cell) {
        let look = look(cell.style)
        let attributes = look.attributes.union(cell.attributes)
        bytes += look.pair == cells.last?.pair ? 2 : bytesPerChange
        let text = look.isFlat ? 0x20 : text(cell)
        cells.append(cn_cell(text: text, attributes: RowEncoder.bits[Int(attributes.rawValue & 31)], pair: look.pair))
    }

    /// Runs of one style are the rule in text, and the table serves the colour maps.
    private mutating func look(_ style: Style) -> Look {
        if style == lastStyle { return lastLook }
        lastStyle = style
        let place = RowEncoder.place(style)
        if let place, let known = looks[place] {
            lastLook = known
            return known
        }
        let index = pairs.styles.index(of: coarseness > 1 ? coarse(style) : style)
        let resolved = pairs.styles.styles[index]
        let isFlat = showsGlyphs && place != nil && resolved.foreground == resolved.background
        lastLook = Look(pair: pairs.pair(index), attributes: resolved.attributes, isFlat: isFlat)
        if let place { looks[place] = lastLook }
        return lastLook
    }

    private static let placeCount = MapKind.allCases.count * Style.levels * (Style.levels + 2)

    /// Where the look of a style on a colour map is kept.
    private static func place(_ style: Style) -> Int? {
        switch style {
        case .role: nil
        case .heat(let map, let top, let bottom): place(map, min(Int(top), Style.levels - 1), min(Int(bottom), Style.levels - 1))
        case .half(let map, let level): place(map, Style.levels, min(Int(level), Style.levels - 1))
        case .onHeat(let map, let level): place(map, Style.levels + 1, min(Int(level), Style.levels - 1))
        }
    }

    private static func place(_ map: MapKind, _ row: Int, _ column: Int) -> Int {
        (Int(map.rawValue) * (Style.levels + 2) + row) * Style.levels + column
    }

    private mutating func text(_ cell: Cell) -> UInt32 {
        if cell.width == 0 { return isASCII ? 0x20 : 0 }
        var glyph = cell.glyph
        if !showsGlyphs || RowEncoder.isSign(cell.style) { glyph = pairs.styles.shown(cell).glyph }
        guard !cell.marks.isEmpty, !isASCII else { return glyph.value }
        clusters.append(cn_cluster(glyph, cell.marks))
        return CN_CLUSTER | UInt32(clusters.count - 1)
    }

    /// Whether the theme may replace the glyph.
    private static func isSign(_ style: Style) -> Bool {
        switch style {
        case .role(.nan), .role(.posInf), .role(.negInf): true
        default: false
        }
    }

    private mutating func pad(to width: Int) {
        let blank = cn_cell(text: 0x20, attributes: 0, pair: look(.text).pair)
        cells.append(contentsOf: repeatElement(blank, count: width - cells.count))
    }

    /// Whether two rows look the same. A cell has no padding, so its bytes tell.
    static func areEqual(_ left: [cn_cell], _ right: [cn_cell]) -> Bool {
        guard left.count == right.count else { return false }
        return left.withUnsafeBytes { a in
            right.withUnsafeBytes { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return true }
                return memcmp(a, b, left.count * MemoryLayout<cn_cell>.stride) == 0
            }
        }
    }

    private func coarse(_ style: Style) -> Style {
        func merged(_ level: UInt8) -> UInt8 {
            let step = UInt8(coarseness)
            return min(level / step * step + step / 2, UInt8(Style.levels - 1))
        }
        return switch style {
        case .role: style
        case .heat(let map, let top, let bottom): .heat(map, top: merged(top), bottom: merged(bottom))
        case .half(let map, let level): .half(map, level: merged(level))
        case .onHeat(let map, let level): .onHeat(map, level: merged(level))
        }
    }

    /// The bits of ncurses for every set of attributes.
    private static let bits: [UInt16] = (0..<32).map { raw in
        let all: [(Attributes, Int)] = [
            (.bold, CN_BOLD), (.dim, CN_DIM), (.underline, CN_UNDERLINE), (.reverse, CN_REVERSE), (.italic, CN_ITALIC),
        ]
        let set = Attributes(rawValue: UInt8(raw))
        return all.filter { set.contains($0.0) }.reduce(0) { $0 | UInt16($1.1) }
    }
}

extension cn_cluster {
    /// A base and as many of its marks as fit.
    init(_ base: Unicode.Scalar, _ marks: [Unicode.Scalar]) {
        self.init()
        func mark(_ index: Int) -> UInt32 { index < marks.count ? marks[index].value : 0 }
        text = (base.value, mark(0), mark(1), mark(2), mark(3))
        count = UInt32(min(1 + marks.count, 5))
    }
}
