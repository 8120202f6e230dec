/// Items to rows: one each, or as many as fit one after another. Packing keeps the file's order (next fit), so that a run without
/// shuffling sees the file as it is; pairs of answers are never packed.
enum Packing {
    static func rows(_ items: [DataItem], _ settings: DataSettings) -> [(chosen: BatchRow, rejected: BatchRow?)] {
        guard settings.packing, !items.contains(where: { $0.rejected != nil }) else {
            return items.map { (BatchRow($0.example), $0.rejected.map(BatchRow.init)) }
        }
        var rows: [BatchRow] = []
        for item in items {
            if let last = rows.indices.last, rows[last].ids.count + item.example.ids.count <= settings.sequenceLength {
                rows[last].append(item.example)
            } else {
                rows.append(BatchRow(item.example))
            }
        }
        return rows.map { ($0, nil) }
    }
}
