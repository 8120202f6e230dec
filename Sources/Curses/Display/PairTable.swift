import CNcurses
import Screen

/// The colour pairs of ncurses for the styles of a theme: each pair of colours is defined once, when it is first used.
///
/// Pairs are never redefined, since that makes ncurses search the whole screen; a new theme uses the pairs that are there and adds its own.
struct PairTable {
    private(set) var styles: StyleTable
    /// The terminal's depth; a theme without colours has a lower one.
    private let depth: ColorDepth
    /// The pair of each style, −1 where none was asked for yet.
    private var pairs: [Int32]
    private var defined: [Colors: Int32] = [:]
    private var next: Int32 = 1
    private let limit: Int32

    private struct Colors: Hashable {
        var foreground: Int32
        var background: Int32
    }

    init(_ theme: Theme, depth: ColorDepth, glyphs: GlyphSet) {
        styles = StyleTable(theme, depth: depth, glyphs: glyphs)
        self.depth = depth
        pairs = Array(repeating: -1, count: styles.styles.count)
        limit = Int32(min(cn_pairs(), 65_535))
    }

    /// Takes another theme. True when all pairs had to be forgotten, and with them what the screen shows.
    mutating func use(_ theme: Theme) -> Bool {
        styles = StyleTable(theme, depth: depth, glyphs: styles.glyphs)
        pairs = Array(repeating: -1, count: styles.styles.count)
        guard next > limit / 2, depth != .mono else { return false }
        cn_forget_pairs()
        defined = [:]
        next = 1
        return true
    }

    /// The pair for a style; 0, the terminal's own colours, when there are no more.
    mutating func pair(_ style: Int) -> UInt16 {
        if pairs[style] < 0 { pairs[style] = define(styles.styles[style]) }
        return UInt16(pairs[style])
    }

    private mutating func define(_ style: ResolvedStyle) -> Int32 {
        let colors = Colors(foreground: number(style.foreground), background: number(style.background))
        if styles.depth == .mono || (colors.foreground < 0 && colors.background < 0) { return 0 }
        if let pair = defined[colors] { return pair }
        guard next < limit, cn_define_pair(next, colors.foreground, colors.background) == 0 else { return 0 }
        defined[colors] = next
        next += 1
        return next - 1
    }

    private func number(_ color: Color) -> Int32 {
        switch color {
        case .standard: -1
        case .index(let index): Int32(index)
        // The lowest eight values mean the palette; nearly black is nobody's blue.
        case .rgb(let rgb): rgb.value < 8 ? 0x01_0101 : Int32(rgb.value)
        }
    }
}
