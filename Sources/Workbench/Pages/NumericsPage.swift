import Screen

/// 5 Numerics: every value in its format, the bits of one number, the exponents of one value, and where the first NaN or Inf came from.
package enum NumericsPage: Page {
    package static let id = PageID.numerics
    package static let key = 5
    package static let title = "Num"

    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] {
        switch Breakpoint(session.size) {
        case .rich: rich(area)
        case .standard: standard(session, area)
        case .single, .none: panes.map { PanePlace($0, area) }
        }
    }

    private static let panes: [any Pane.Type] = [
        NumericsTablePane.self, NumberBitsPane.self, ExponentPane.self, NonFinitePane.self,
    ]

    private static func rich(_ area: Rect) -> [PanePlace] {
        let columns = area.columns([.rest, .fixed(54)])
        let left = columns[0].rows([.rest, .fixed(10)])
        let right = columns[1].rows([.fixed(25), .rest])
        return places([left[0], right[0], right[1], left[1]])
    }

    /// Where nothing is wrong, one line says so.
    private static func standard(_ session: Session, _ area: Rect) -> [PanePlace] {
        let rows = area.rows([.rest, .fixed(9), .fixed(session.firstNonFinite == nil ? 3 : 5)])
        let middle = rows[1].columns([.fixed(46), .rest])
        return places([rows[0], middle[0], middle[1], rows[2]])
    }

    private static func places(_ rects: [Rect]) -> [PanePlace] { zip(panes, rects).map { PanePlace($0, $1) } }

    package static func hints(_ session: Session) -> [HintBar.Hint] {
        [HintBar.Hint("jk", "value"), HintBar.Hint("P", "format"), HintBar.Hint("Enter", "open"), HintBar.Hint("Tab", "pane")]
    }

    package static func status(_ session: Session) -> Line {
        var line = ExplorePage.status(session)
        guard let number = session.numericsNumber, number.isFinite else { return line }
        let format = session.numericsFormat
        if format.block == nil {
            line.spans.append(Span("  ulp \(Numbers.compact(format.spacing(at: number), digits: 3)) in \(format.name)", .status))
        }
        return line
    }

    /// The same value in another layer.
    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard case .layer(let by) = step else { return false }
        _ = session.moveLayer(by)
        return true
    }
}
