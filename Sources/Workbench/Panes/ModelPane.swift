import Engine
import Screen
import Tensors

/// The tree of weights and values in running order.
package enum ModelPane: Pane {
    package static let name = "Model"

    package static func title(_ session: Session) -> String {
        guard let model = session.model else { return "Model" }
        return "\(model.architecture.name)  \(Numbers.short(model.checkpoint.parameterCount))"
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        let rows = session.tree.rows
        TreeView(count: rows.count, selection: selection(session, rows), isFocused: focused) { row(session, rows[$0]) }
            .draw(into: &surface, in: area)
    }

    private static func selection(_ session: Session, _ rows: [ModelTree.Row]) -> Int? {
        if let node = session.treeNode, let at = rows.firstIndex(where: { $0.node == node }) { return at }
        return rows.firstIndex { session.tree.nodes[$0.node].value == session.place.value.id && session.place.value.level == 0 }
    }

    private static func row(_ session: Session, _ row: ModelTree.Row) -> TreeView.Row {
        let node = session.tree.nodes[row.node]
        let program = session.snapshot?.stepper.program
        let value = node.value.flatMap { id in program.map { $0.values[id] } }
        let isPending = node.value.map { !(session.snapshot?.stepper.isComputed($0) ?? true) } ?? false
        let role: Role = isPending ? .dim : value?.role == .weight ? .text : value == nil ? .text : .accent
        var line: [Span] = [Span(node.label, role)]
        if let id = node.value, session.isEdited(ValueRef(id: id)) { line.append(Span(" ✎", .warn)) }
        if let id = node.value, !session.quirks(of: ValueRef(id: id)).isEmpty { line.append(Span(" \(QuirkWords.sign)", .warn)) }
        if let id = node.value, !session.isOwnFormat(ValueRef(id: id)) {
            line.append(Span(" ≠\(session.changeName(ValueRef(id: id)))", .warn))
        }
        if let mark = anomaly(session, row) { line.append(Span(" " + mark, .nan)) }
        return TreeView.Row(
            Line(line), depth: node.depth, fold: row.isFold ? (row.isOpen ? .open : .closed) : .leaf, detail: Line(detail(value), .dim))
    }

    private static func detail(_ value: Value?) -> String {
        guard let value else { return "" }
        return value.shape.counts.map(String.init).joined(separator: "×")
    }

    /// A value's own NaN and Inf, or those inside a folded module.
    private static func anomaly(_ session: Session, _ row: ModelTree.Row) -> String? {
        guard let stepper = session.snapshot?.stepper else { return nil }
        let values = row.isOpen ? session.tree.nodes[row.node].value.map { [$0] } ?? [] : session.tree.values(under: row.node)
        let nan = values.reduce(0) { $0 + (stepper.statistics($1)?.nan ?? 0) }
        let inf = values.reduce(0) { sum, id in
            guard let statistics = stepper.statistics(id) else { return sum }
            let hidden = program(stepper, id) is AttentionScores ? statistics.negativeInfinity : 0
            return sum + statistics.positiveInfinity + statistics.negativeInfinity - hidden
        }
        return nan > 0 ? "N \(nan)" : inf > 0 ? "▲ \(inf)" : nil
    }

    private static func program(_ stepper: Stepper, _ id: Int) -> (any Op)? {
        stepper.program.values[id].step.map { stepper.program.steps[$0].op }
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        let rows = session.tree.rows
        guard !rows.isEmpty else { return true }
        let at = selection(session, rows) ?? 0
        switch step {
        case .by(_, let dy) where dy != 0: session.selectRow(rows, at + dy)
        case .by(let dx, _): session.fold(rows[at], open: dx > 0)
        case .pages(let pages): session.selectRow(rows, at + Int(pages * 16))
        case .first, .rowStart: session.selectRow(rows, 0)
        case .last, .rowEnd: session.selectRow(rows, rows.count - 1)
        case .out:
            if let parent = session.tree.parent(of: rows[at].node) { session.selectNode(parent) }
        default: return false
        }
        return true
    }

    package static func activate(_ session: inout Session) -> [Effect] {
        let rows = session.tree.rows
        guard let at = selection(session, rows) else { return [] }
        if rows[at].isFold { session.tree.toggle(rows[at].node) } else { session.focus[.explore] = 1 }
        return []
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        let rows = session.tree.rows
        let tree = TreeView(count: rows.count, selection: selection(session, rows)) { _ in TreeView.Row("") }
        guard let hit = tree.index(at: point, in: area) else { return }
        session.selectRow(rows, hit)
    }
}

extension Session {
    /// The tree row under the cursor where it is a module without a value.
    var treeNode: Int? { tree.cursor }

    mutating func selectRow(_ rows: [ModelTree.Row], _ at: Int) { selectNode(rows[min(max(at, 0), rows.count - 1)].node) }

    mutating func selectNode(_ node: Int) {
        tree.cursor = node
        if let value = tree.nodes[node].value {
            select(ValueRef(id: value))
            tree.cursor = node
        }
    }

    fileprivate mutating func fold(_ row: ModelTree.Row, open: Bool) {
        if row.isFold && row.isOpen != open { return tree.toggle(row.node) }
        if !open, let parent = tree.parent(of: row.node) { selectNode(parent) }
    }
}
