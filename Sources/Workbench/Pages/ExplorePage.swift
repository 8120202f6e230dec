import Screen

/// 1 Explore: the model's tree, the program with its cursor, and the selected value as picture, numbers, histogram and row.
package enum ExplorePage: Page {
    package static let id = PageID.explore
    package static let key = 1
    package static let title = "Explore"

    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] {
        Breakpoint(session.size) == .rich ? rich(area) : standard(area)
    }

    private static func rich(_ area: Rect) -> [PanePlace] {
        let columns = area.columns([.fixed(38), .rest, .fixed(40)])
        let left = columns[0].rows([.share(3), .share(2)])
        let right = columns[2].rows([.fixed(17), .fixed(12), .rest])
        return [
            PanePlace(ModelPane.self, left[0]), PanePlace(HeatMapPane.self, columns[1]), PanePlace(ProgramPane.self, left[1]),
            PanePlace(InfoPane.self, right[0]), PanePlace(HistogramPane.self, right[1]), PanePlace(RowPane.self, right[2]),
        ]
    }

    private static func standard(_ area: Rect) -> [PanePlace] {
        let columns = area.columns([.fixed(27), .rest])
        let left = columns[0].rows([.share(3), .share(2)])
        let right = columns[1].rows([.rest, .fixed(7)])
        return [
            PanePlace(ModelPane.self, left[0]), PanePlace(HeatMapPane.self, right[0]), PanePlace(ProgramPane.self, left[1]),
            PanePlace(InfoPane.self, right[1]),
        ]
    }

    package static func status(_ session: Session) -> Line {
        guard let value = session.selectedValue else { return Line(session.busy ?? "no model is open — :open PATH", .status) }
        var line: [Span] = [
            Span(
                "\(session.editSign(session.place.value))\(session.formatSign(session.place.value))\(Names.short(value.name)) \(session.cursorIndex)",
                .statusKey)
        ]
        if let number = session.selectedTensor?.value(at: session.cursorIndex) {
            line.append(Span(" = \(Numbers.exact(Float(number)))", .status))
            if session.view.showsHex { line.append(Span("  0x\(String(Float(number).bitPattern, radix: 16))", .status)) }
        } else {
            line.append(Span(missing(session), .status))
        }
        return Line(line)
    }

    private static func missing(_ session: Session) -> String {
        if session.isAwaited { return " is computed again" }
        return session.isKnown ? " was evicted; it is computed again where it is shown" : " not computed yet"
    }
}

extension Session {
    /// Whether a run that is computed again has not reached the selected value.
    var isAwaited: Bool {
        snapshot?.renewal != nil && place.value.level == 0 && selectedTensor == nil && snapshot?.stepper.statistics(place.value.id) == nil
    }

    /// Whether the selected value has been computed, in memory or not.
    var isKnown: Bool { shown?.isComputed(place.value.id) ?? false }
}
