import Engine
import Tensors

/// Rows of the embedding that training never touched.
enum UntrainedTokens {
    /// What such a row's numbers do not pass: in bf16, a decay of weights leaves about 1e-23 of them.
    private static let most = 1e-16
    /// Special tokens lie together at the end of the table; without a tokenizer as many rows as Llama 3 has of them are looked at.
    private static let last = 256

    /// Ids of tokens that stand for themselves, not for words, whose row and whose row of the head are untrained; the tokens that begin,
    /// end and fill texts are no candidates. A head of its own may have been left as it was drawn, then it repeats itself. The rule is
    /// Unsloth's, with the largest magnitude where theirs has the largest number.
    static func find(in model: Model) -> [Int] {
        guard let tables = try? tables(of: model) else { return [] }
        let suspects = candidates(model, rows: tables.rows.shape[0]).filter { isZero(tables.rows[$0]) }
        guard let head = tables.head else { return suspects }
        let rounded = suspects.map { id in head[id].floats().map { ($0 * 1000).rounded() } }
        let repeats = Dictionary(grouping: rounded.indices) { rounded[$0] }
        return suspects.indices.filter { isZero(head[suspects[$0]]) || (repeats[rounded[$0]]?.count ?? 0) > 1 }.map { suspects[$0] }
    }

    /// The first of them that the chat template writes, else the first of all.
    static func chosen(of model: Model) -> Int? {
        let found = find(in: model)
        let used = ChatFrame(model).map { $0.start + [$0.turnEnd].compactMap { $0 } } ?? []
        return used.first(where: found.contains) ?? found.first
    }

    private static func candidates(_ model: Model, rows: Int) -> [Int] {
        guard let tokenizer = model.tokenizer else { return Array(max(0, rows - last)..<rows) }
        let taken = [tokenizer.bosID, tokenizer.eosID, tokenizer.padID]
        return (0..<Int32(min(rows, tokenizer.vocabularyCount))).filter { tokenizer.isSpecial($0) && !taken.contains($0) }.map(Int.init)
    }

    /// The embedding's rows and, if it is another matrix, the head's.
    private static func tables(of model: Model) throws -> (rows: Tensor, head: Tensor?)? {
        let program = try model.program(Pass(tokens: 2))
        guard let table = program.steps.first(where: { $0.op is Embedding })?.inputs[1] else { return nil }
        let head = program.headStep?.inputs[1]
        func weight(_ id: Int) throws -> Tensor { try model.weight(program.values[id].name).view(program.values[id].shape) }
        return (try weight(table), try head.flatMap { $0 == table ? nil : try weight($0) })
    }

    /// Ends at the first number that says otherwise, so that a trained row costs next to nothing.
    private static func isZero(_ row: Tensor) -> Bool { !(0..<row.elementCount).contains { abs(row.value(place: $0)) > most } }
}
