/// One part of a rectangle that is split: so many cells, or a share of what is left.
package enum Part: Hashable, Sendable {
    case fixed(Int)
    /// A share of the rest, never less than `least` while there is room.
    case share(Int, least: Int = 0)

    package static let rest = Part.share(1)
}

extension Rect {
    /// The rectangle cut into columns from left to right. Parts that find no room are empty.
    package func columns(_ parts: [Part], gap: Int = 0) -> [Rect] {
        Rect.lengths(parts, width, gap).map { Rect(x + $0.start, y, $0.length, height) }
    }

    /// The rectangle cut into rows from top to bottom.
    package func rows(_ parts: [Part], gap: Int = 0) -> [Rect] {
        Rect.lengths(parts, height, gap).map { Rect(x, y + $0.start, width, $0.length) }
    }

    /// The rectangle in a grid of equal tiles, row after row; the last of each row and column takes what is left.
    package func tiles(columns: Int, rows: Int) -> [Rect] {
        self.rows(Array(repeating: .rest, count: max(rows, 0))).flatMap { $0.columns(Array(repeating: .rest, count: max(columns, 0))) }
    }

    /// A rectangle of this size in the middle, cut to fit.
    package func centered(_ size: Size) -> Rect {
        let (w, h) = (min(size.width, width), min(size.height, height))
        return Rect(x + (width - w) / 2, y + (height - h) / 2, w, h)
    }

    private static func lengths(_ parts: [Part], _ total: Int, _ gap: Int) -> [(start: Int, length: Int)] {
        var rest = max(0, total - gap * max(0, parts.count - 1))
        var wanted = parts.map { part -> Int in
            switch part {
            case .fixed(let length): max(length, 0)
            case .share(_, let least): max(least, 0)
            }
        }
        for index in wanted.indices {
            wanted[index] = min(wanted[index], rest)
            rest -= wanted[index]
        }
        share(rest, parts, &wanted)
        var start = 0
        return wanted.map { length in
            defer { start += length + gap }
            return (start, length)
        }
    }

    /// Gives the rest to the shares, so that each comes as near to its share as the least lengths allow.
    private static func share(_ rest: Int, _ parts: [Part], _ lengths: inout [Int]) {
        let weights = parts.map { part -> Int in
            if case .share(let weight, _) = part { return max(weight, 0) }
            return 0
        }
        guard weights.contains(where: { $0 > 0 }) else { return }
        for _ in 0..<rest {
            let next = weights.indices.filter { weights[$0] > 0 }.min {
                (2 * lengths[$0] + 1) * weights[$1] < (2 * lengths[$1] + 1) * weights[$0]
            }
            if let next { lengths[next] += 1 }
        }
    }
}

/// How much a screen of some size can hold.
package enum Breakpoint: Int, Comparable, Sendable {
    /// Too small for anything but a message.
    case none
    /// One pane at a time.
    case single
    /// 80 × 24: everything, in brief.
    case standard
    /// 140 × 40: everything.
    case rich

    package init(_ size: Size) {
        switch size {
        case _ where size.width >= 140 && size.height >= 40: self = .rich
        case _ where size.width >= 80 && size.height >= 24: self = .standard
        case _ where size.width >= 60 && size.height >= 16: self = .single
        default: self = .none
        }
    }

    package static func < (first: Breakpoint, second: Breakpoint) -> Bool { first.rawValue < second.rawValue }

    /// Says what is needed, in the middle of a screen that is too small; down to one cell.
    package static func drawTooSmall(into surface: inout Surface) {
        let text = "need 60×16, have \(surface.width)×\(surface.height) — resize or q"
        surface.fill(surface.bounds, .text)
        let shown = VisibleText.cut(text, to: surface.width)
        surface.put((surface.width - VisibleText.width(shown)) / 2, surface.height / 2, shown, .warn)
    }
}

/// The lines of every screen: tabs, panes, status, hints.
package struct ScreenFrame: Hashable, Sendable {
    package let tabs: Rect
    package let panes: Rect
    package let status: Rect
    package let hints: Rect

    package init(_ size: Size) {
        let rows = Rect(size).rows([.fixed(1), .rest, .fixed(1), .fixed(1)])
        (tabs, panes, status, hints) = (rows[0], rows[1], rows[2], rows[3])
    }
}
