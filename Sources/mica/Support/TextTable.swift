import Screen

/// Columns of text as wide as their widest cell; numbers stand right.
struct TextTable {
    private var rows: [[String]]
    private let rightAligned: Set<Int>

    init(header: [String], rightAligned: Set<Int> = []) {
        rows = [header]
        self.rightAligned = rightAligned
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// Cells are from files: they are made harmless first, so that a column is as wide as it looks.
    var text: String {
        let cells = rows.map { $0.map { VisibleText.line($0) } }
        let columns = cells.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in cells.map { $0.count > column ? VisibleText.width($0[column]) : 0 }.max() ?? 0 }
        return cells.map { row in
            let line = row.enumerated().map { padded($0.element, to: widths[$0.offset], right: rightAligned.contains($0.offset)) }
            return TextTable.trimmed(line.joined(separator: "  "))
        }.joined(separator: "\n")
    }

    private func padded(_ cell: String, to width: Int, right: Bool) -> String {
        let space = String(repeating: " ", count: max(0, width - VisibleText.width(cell)))
        return right ? space + cell : cell + space
    }

    private static func trimmed(_ line: String) -> String {
        String(line.reversed().drop { $0 == " " }.reversed())
    }
}
