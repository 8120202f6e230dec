import Engine
import Screen
import Tensors

/// The values of one layer's attention, whatever the architecture calls its modules.
package struct AttentionValues: Sendable, Hashable {
    package let layer: Int
    /// [head, query, key]
    package let probs: Int
    package let scores: Int
    /// What the scores are made of: [head, query, dimension] and [key head, key, dimension].
    package let q: Int
    package let k: Int
    package let heads: Int
    package let keyHeads: Int
    package let queries: Int
    package let keys: Int
    package let dimension: Int
    package let scale: Double
    /// 0: none.
    package let softcap: Double
    package let mask: AttentionMask

    /// The key head that a head reads; groups of heads share one.
    package func keyHead(of head: Int) -> Int { head / max(heads / max(keyHeads, 1), 1) }

    package func visible(_ row: Int) -> Range<Int> { mask.range(query: row, keys: keys) }
}

extension Program {
    /// The layers that have attention, in order.
    package var attentionLayers: [Int] { probabilities.compactMap { values[$0.output].layer } }

    /// The attention of a layer: found by what its probabilities are computed from, so the same for every architecture.
    package func attention(layer: Int) -> AttentionValues? {
        guard let softmax = probabilities.first(where: { values[$0.output].layer == layer }), let scores = softmax.inputs.first,
            let number = values[scores].step, let op = steps[number].op as? AttentionScores, steps[number].inputs.count == 2
        else { return nil }
        let (q, k) = (steps[number].inputs[0], steps[number].inputs[1])
        let shape = values[scores].shape
        return AttentionValues(
            layer: layer, probs: softmax.output, scores: scores, q: q, k: k, heads: shape[0], keyHeads: values[k].shape[0],
            queries: shape[1],
            keys: shape[2], dimension: values[q].shape[2], scale: op.scale, softcap: op.softcap,
            mask: op.mask.pass(queries: shape[1], keys: shape[2]))
    }

    private var probabilities: [Step] { steps.filter { $0.op is Softmax && values[$0.output].name.hasSuffix(".probs") } }
}

/// Where the attention screen's cursor is, after everything that may have changed under it.
package struct AttentionFocus: Sendable, Hashable {
    package let values: AttentionValues
    package let head: Int
    /// The query's row in the pass at work.
    package let row: Int
    package let key: Int
    /// Tokens before the pass.
    package let past: Int

    /// The query's place in the text.
    package var query: Int { past + row }
    package var layer: Int { values.layer }
    package var isHidden: Bool { !values.visible(row).contains(key) }
    package var index: [Int] { [head, row, key] }
    /// `L3 H5`
    package var name: String { "L\(layer) H\(head)" }

    /// How many likely keys of a query are asked for.
    static let topCount = 64

    func question(row: Int) -> Request { .attention(.query(layer: layer, head: head, row: row, count: AttentionFocus.topCount)) }
    func question(cell row: Int, _ key: Int) -> Request { .attention(.cell(layer: layer, head: head, row: row, key: key)) }
}

extension Session {
    /// Nil while no model runs, or for a model without attention.
    package var attentionFocus: AttentionFocus? {
        guard let snapshot, let values = attentionValues(snapshot.stepper.program) else { return nil }
        let head = min(max(attention.head, 0), max(values.heads - 1, 0))
        let last = values.queries - 1
        let row = min(max((attention.query ?? snapshot.past + last) - snapshot.past, 0), max(last, 0))
        let own = AttentionFocus(values: values, head: head, row: row, key: min(snapshot.past + row, values.keys - 1), past: snapshot.past)
        let key = attention.key ?? attentionQuery(own)?.top.first?.key ?? own.key
        return AttentionFocus(values: values, head: head, row: row, key: min(max(key, 0), max(values.keys - 1, 0)), past: snapshot.past)
    }

    private func attentionValues(_ program: Program) -> AttentionValues? {
        if let values = program.attention(layer: attention.layer) { return values }
        let nearest = program.attentionLayers.min { abs($0 - attention.layer) < abs($1 - attention.layer) }
        return nearest.flatMap { program.attention(layer: $0) }
    }

    func attentionQuery(_ focus: AttentionFocus) -> AttentionQuery? {
        if case .attention(.query(let query))? = answers[focus.question(row: focus.row)] { return query }
        return nil
    }

    func attentionCell(_ focus: AttentionFocus) -> AttentionCell? {
        if case .attention(.cell(let cell))? = answers[focus.question(cell: focus.row, focus.key)] { return cell }
        return nil
    }

    /// What the cursor's place tells, and its neighbours', so that moving by one is shown at once.
    func attentionRequests(_ focus: AttentionFocus) -> [Request] {
        guard let stepper = snapshot?.stepper, stepper.isComputed(focus.values.scores) else { return [] }
        let (row, key, values) = (focus.row, focus.key, focus.values)
        let rows = [row, row - 1, row + 1].filter { (0..<values.queries).contains($0) }
        let keys = [key - 1, key + 1].filter { (0..<values.keys).contains($0) }
        let queries = stepper.isComputed(values.probs) ? rows.map { focus.question(row: $0) } : []
        return queries + rows.map { focus.question(cell: $0, key) } + keys.map { focus.question(cell: row, $0) }
    }

    /// The token at a place in the text, in quotes, cut to a width.
    func quotedToken(_ place: Int, width: Int = 24) -> String { "\"\(VisibleText.cut(textLabel(at: place), to: width))\"" }

    func textLabel(at place: Int) -> String {
        guard let ids = snapshot?.ids, ids.indices.contains(place) else { return "" }
        return tokenLabel(ids[place])
    }

    /// Labels of a range of places; nil where the text is not that long.
    func tokenLabels(_ places: Range<Int>) -> [String]? {
        guard let ids = snapshot?.ids, places.lowerBound >= 0, places.upperBound <= ids.count else { return nil }
        return ids[places].map(tokenLabel)
    }
}
