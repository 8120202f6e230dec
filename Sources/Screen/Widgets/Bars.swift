/// Labelled horizontal bars with their numbers: the most likely tokens, the largest contributions.
package struct Bars: Hashable, Sendable {
    package struct Item: Hashable, Sendable {
        package var label: String
        package var value: Double
        /// The number as text.
        package var text: String
        package var role: Role?

        package init(_ label: String, _ value: Double, text: String? = nil, role: Role? = nil) {
            (self.label, self.value, self.role) = (label, value, role)
            self.text = text ?? Numbers.format("%.3f", value)
        }
    }

    package var items: [Item]
    /// The value of a full bar; the largest magnitude if nil.
    package var full: Double?
    package var selection: Int?
    package var isFocused: Bool

    package init(_ items: [Item], full: Double? = nil, selection: Int? = nil, isFocused: Bool = true) {
        (self.items, self.full, self.selection, self.isFocused) = (items, full, selection, isFocused)
    }

    private static let eighths: [Unicode.Scalar] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]

    package func draw(into surface: inout Surface, in rect: Rect) {
        let number = items.map { VisibleText.width($0.text) }.max() ?? 0
        let label = min(items.map { VisibleText.width($0.label) }.max() ?? 0, max(4, rect.width / 3))
        let bar = max(0, rect.width - label - number - 2)
        let most = full ?? items.map { abs($0.value) }.filter(\.isFinite).max() ?? 1
        surface.clipped(to: rect) { surface in
            for (row, index) in Scrolling.visible(items.count, in: rect.height, selection: selection).enumerated() {
                let (item, y) = (items[index], rect.y + row)
                surface.put(rect.x, y, item.label, width: label, style: .role(item.role ?? .text))
                drawBar(&surface, rect.x + label + 1, y, bar, share(item.value, most), item)
                surface.put(rect.right - number, y, item.text, width: number, align: .right, style: .role(.dim))
                if index == selection { Scrolling.mark(&surface, Rect(rect.x, y, rect.width, 1), isFocused: isFocused) }
            }
        }
    }

    private func share(_ value: Double, _ most: Double) -> Double {
        let share = abs(value) / most
        return share.isFinite ? min(share, 1) : value.isInfinite ? 1 : 0
    }

    /// A bar in eighths of a cell; values below zero have the colour of the second series.
    private func drawBar(_ surface: inout Surface, _ x: Int, _ y: Int, _ width: Int, _ share: Double, _ item: Item) {
        let eighths = Int((share * Double(width * 8)).rounded())
        let role = item.value.isFinite ? (item.value < 0 ? Role.series1 : .series0) : .err
        surface.horizontal(x, y, eighths / 8, "█", role)
        if eighths % 8 > 0 { surface.set(x + eighths / 8, y, Cell(Bars.eighths[eighths % 8], .role(role))) }
    }
}

/// What lists and tables share.
package enum Scrolling {
    /// The indices to show of `count` in `height` rows, so that the selection is among them, in the middle where possible.
    package static func visible(_ count: Int, in height: Int, selection: Int?) -> Range<Int> {
        guard height > 0, count > 0 else { return 0..<0 }
        guard count > height else { return 0..<count }
        let start = min(max((selection ?? 0) - height / 2, 0), count - height)
        return start..<start + height
    }

    /// Shows a row as selected, in the strong way if its pane has the focus. Bars, heat and signs keep their own
    /// colours.
    package static func mark(_ surface: inout Surface, _ row: Rect, isFocused: Bool) {
        surface.restyle(row) { cell in
            switch cell.style {
            case .role where (0x2580...0x259F).contains(cell.glyph.value): break
            case .role(let role) where ![.nan, .posInf, .negInf].contains(role): cell.style = .role(isFocused ? .select : .selectDim)
            default: cell.attributes.insert(.underline)
            }
        }
    }
}
