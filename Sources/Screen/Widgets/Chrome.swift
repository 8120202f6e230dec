/// The first line: numbered screens, and what is open at the right end.
package struct Tabs: Hashable, Sendable {
    package struct Item: Hashable, Sendable {
        package var key: String
        package var name: String

        package init(_ key: String, _ name: String) { (self.key, self.name) = (key, name) }
    }

    package var items: [Item]
    package var active: Int
    package var label: String
    /// What says the same in fewer columns, the longest first.
    package var shorter: [String]

    package init(_ items: [Item], active: Int, label: String = "", shorter: [String] = []) {
        (self.items, self.active, self.label, self.shorter) = (items, active, label, shorter)
    }

    package func draw(into surface: inout Surface, in rect: Rect) {
        surface.clipped(to: rect) { surface in
            surface.fill(rect, .tab)
            let end = places(rect).map(\.upperBound).max() ?? rect.x
            for (index, place) in places(rect).enumerated() {
                let role: Role = index == active ? .tabActive : .tab
                surface.put(place.lowerBound, rect.y, text(index, rect), role)
            }
            let free = rect.right - end - 2
            let fitting = ([label] + shorter).first { VisibleText.width($0) <= free } ?? shorter.last ?? label
            if free >= 8 { surface.put(end + 1, rect.y, fitting, width: free, align: .right, style: .role(.tab)) }
        }
    }

    /// The tab under a cell of the surface, for a mouse click.
    package func index(at point: Point, in rect: Rect) -> Int? {
        rect.contains(point) ? places(rect).firstIndex { $0.contains(point.x) } : nil
    }

    /// Where each tab stands. When not all names fit, only the active one keeps its name.
    private func places(_ rect: Rect) -> [Range<Int>] {
        var x = rect.x
        return items.indices.map { index in
            let width = VisibleText.width(text(index, rect))
            defer { x += width }
            return x..<x + width
        }
    }

    private func text(_ index: Int, _ rect: Rect) -> String {
        let full = items.reduce(0) { $0 + VisibleText.width($1.key + $1.name) + 3 }
        let item = items[index]
        return full <= rect.width || index == active ? " \(item.key) \(item.name) " : " \(item.key) "
    }
}

/// The line above the hints: where one is and what one sees, the most important first, since it is cut at the right.
package struct StatusLine: Hashable, Sendable {
    package var line: Line
    /// What stays at the right end, such as the state of the run.
    package var right: Line

    package init(_ line: Line, right: Line = []) { (self.line, self.right) = (line, right) }

    package func draw(into surface: inout Surface, in rect: Rect) {
        surface.clipped(to: rect) { surface in
            surface.fill(rect, .status)
            let end = min(right.width, rect.width / 2)
            surface.put(rect.x + 1, rect.y, line, width: max(0, rect.width - 2 - (end > 0 ? end + 1 : 0)))
            surface.put(rect.right - end - 1, rect.y, right, width: end)
            surface.restyle(rect) { $0.style = StatusLine.onBar($0.style) }
        }
    }
}

extension StatusLine {
    /// The style that a style of the panes has on the bar's ground.
    private static func onBar(_ style: Style) -> Style {
        guard case .role(let role) = style else { return style }
        switch role {
        case .ok: return .role(.statusOk)
        case .warn: return .role(.statusWarn)
        case .err: return .role(.statusErr)
        case .key, .accent, .title: return .role(.statusKey)
        case .text, .dim, .emphasis, .hint: return .role(.status)
        default: return style
        }
    }
}

/// The last line: keys with what they do, in order of importance; what does not fit whole is left out.
package struct HintBar: Hashable, Sendable {
    package struct Hint: Hashable, Sendable {
        package var key: String
        package var name: String

        package init(_ key: String, _ name: String) { (self.key, self.name) = (key, name) }
    }

    package var hints: [Hint]

    package init(_ hints: [Hint]) { self.hints = hints }

    package func draw(into surface: inout Surface, in rect: Rect) {
        surface.clipped(to: rect) { surface in
            surface.fill(rect, .text)
            var x = rect.x + 1
            for hint in hints {
                let width = VisibleText.width(hint.key) + 1 + VisibleText.width(hint.name)
                guard x + width <= rect.right else { break }
                surface.put(x, rect.y, hint.key, .key)
                surface.put(x + VisibleText.width(hint.key) + 1, rect.y, hint.name, .hint)
                x += width + 2
            }
        }
    }

    /// How many hints fit.
    package func fitting(_ width: Int) -> Int {
        var x = 1
        return hints.prefix { hint in
            let end = x + VisibleText.width(hint.key) + 1 + VisibleText.width(hint.name)
            x = end + 2
            return end <= width
        }.count
    }
}
