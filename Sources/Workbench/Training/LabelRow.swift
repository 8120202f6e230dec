import Foundation
import Training

/// A row of tokens as a loss reads it: which count, and what became of the others.
struct LabelRow {
    let ids: [Int]
    let roles: [TokenRole]
    /// In nats, of tokens that count; empty before the loss has been computed.
    let losses: [Float?]
    /// Whether a token counts by the tensor that the loss reads; empty before the pass is there.
    let counts: [Bool]
    /// Lines of the file that stand here; none for a prompt.
    let lines: [Int]
    let documents: Int
    /// Tokens of the file's row that were cut off behind the last one.
    let cut: Int

    /// `reading` has no padding: no token of it goes through the model.
    init(_ row: BatchRow, _ reading: BatchRowReading?) {
        (ids, roles, lines, documents, cut) = (row.ids.map(Int.init), row.roles, row.lines, row.documents, row.cut)
        (losses, counts) = (reading?.losses ?? [], reading?.counts ?? [])
    }

    /// A prompt: every token but the first is to be predicted.
    init(prompt reading: BatchRowReading) {
        (ids, losses, counts, lines, documents, cut) = (reading.ids, reading.losses, reading.counts, [], 1, 0)
        roles = reading.counts.enumerated().map { $0.element ? .counts : $0.offset == 0 ? .boundary : .label }
    }

    var counted: Int { roles.count { $0 == .counts } }
    var padding: Int { roles.count { $0 == .padding } }
    /// The last token that is no padding.
    var last: Int { ids.count - padding - 1 }

    /// What the row is called: its lines, or blocks, of the file.
    func place(isText: Bool) -> String {
        guard !lines.isEmpty else { return "" }
        let name = (isText ? "block" : "line") + (lines.count == 1 ? "" : "s")
        return "\(name) " + lines.prefix(3).map(String.init).joined(separator: ", ") + (lines.count > 3 ? "…" : "")
    }

    /// `12 padded, 3 cut, 2 packed`: what was done to it; empty if nothing was.
    var changes: String {
        let parts = [
            padding > 0 ? "\(padding) padded" : "", cut > 0 ? "\(cut) cut off" : "", documents > 1 ? "\(documents) packed" : "",
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// Over tokens that count.
    var meanLoss: Double? {
        let known = losses.compactMap(\.self)
        return known.isEmpty ? nil : known.reduce(0) { $0 + Double($1) } / Double(known.count)
    }
}

extension Session {
    /// Rows that can be shown: those of the batch, or the prompt's one.
    var labelCount: Int { training.map(\.rows.count) ?? (snapshot == nil ? 0 : 1) }

    /// The row with what is known of its losses.
    func labelRow(_ number: Int) -> LabelRow? {
        guard let training else { return labelReading.map(LabelRow.init(prompt:)) }
        guard let row = training.rows[safe: number] else { return nil }
        return LabelRow(row, training.walk == nil ? training.readings[safe: number] : number == batchRow ? batchReading : nil)
    }

    /// What the loss of the pass at work reads; nil before it has been answered.
    private var labelReading: BatchRowReading? {
        guard case .batchRow(let reading)? = answers[batchRowRequest] else { return nil }
        return reading
    }

    /// The row that is shown, and the selected token in it.
    var labels: LabelRow? { labelRow(training == nil ? 0 : batchRow) }

    var labelToken: Int { training == nil ? min(tokenIndex, max((labels?.ids.count ?? 1) - 1, 0)) : batchToken }

    mutating func selectLabel(row: Int, token: Int) {
        if training == nil { selectToken(token) } else { selectBatch(row: row, token: token) }
    }

    /// Requests of panes that show labels.
    var labelRequests: [Request] {
        let isRead = training == nil ? snapshot != nil : training?.walk?.isRow == true
        return isRead ? [batchRowRequest] : []
    }
}
