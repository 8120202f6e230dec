import Engine
import Models
import Screen
import Tensors

/// What the Grad screen asks of the engine.
package enum GradientQuestion: Hashable, Sendable {
    /// The reverse walk's steps.
    case list
    /// A head of the scores, the probabilities or their gradients, with what the mask hides left out.
    case masked(ValueRef, layer: Int, head: Int, rows: Int, columns: Int)
    /// Gradient × input of each token.
    case attribution
    /// The terms that add up to one number of a gradient.
    case terms(ValueRef, index: [Int])
    /// The slope of the loss at one element.
    case slope(GradientView.Element)
}

package enum GradientAnswer: Sendable {
    case list(ReverseList)
    case masked(MaskedPicture)
    case attribution([Double])
    case terms(GradientTerms)
    case slope(CentralDifference)
}

/// The chain rule with numbers: what one number of a gradient was added up from.
package struct GradientTerms: Sendable {
    package let number: Double
    /// Largest first; not all if there are many.
    package let sources: [Lineage.Source]
    package let count: Int
    /// Of all terms.
    package let sum: Double

    static let limit = 32

    init(_ lineage: Lineage) {
        number = lineage.number
        sources = Array(lineage.sources.prefix(GradientTerms.limit))
        count = lineage.sources.count
        sum = lineage.sources.reduce(0) { $0 + $1.term }
    }
}

/// One head ready to draw: hidden cells are masked bins, unless something is there that should not be.
package struct MaskedPicture: Sendable {
    package let grid: PooledGrid
    package let counts: HeatCounts
    package let hidden: Int
    /// Whether every hidden cell holds exactly what the mask puts there.
    package let isExact: Bool
}

/// Answers the Grad screen's questions from a pass, on the engine thread.
struct GradientReader {
    let pass: Generation
    let threads: Int

    func answer(_ question: GradientQuestion, _ cancelled: () -> Bool) throws -> Answer {
        switch question {
        case .list: return .gradient(.list(ReverseList(try pass.reverseProgram())))
        case .masked(let value, let layer, let head, let rows, let columns):
            return .gradient(.masked(try masked(value.id, layer, head, rows: rows, columns: columns)))
        case .attribution: return .gradient(.attribution(try attribution()))
        case .terms(let value, let index):
            guard let lineage = try pass.stepper.lineage(of: value.id, at: index) else { return .failed("not computed yet") }
            return .gradient(.terms(GradientTerms(lineage)))
        case .slope(let element):
            guard let slope = try pass.stepper.centralDifference(of: element.value, at: element.index, cancelled: cancelled) else {
                return .failed(cancelled() ? "called off" : "the forward pass has not reached the loss")
            }
            return .gradient(.slope(slope))
        }
    }

    private func masked(_ id: Int, _ layer: Int, _ head: Int, rows: Int, columns: Int) throws -> MaskedPicture {
        let stepper = pass.stepper
        guard let values = stepper.program.attention(layer: layer), let tensor = try stepper.tensor(id), tensor.shape.rank == 3 else {
            throw PromptError(rule: "not computed yet")
        }
        let numbers = tensor[min(max(head, 0), tensor.shape[0] - 1)].floats()
        let hidden: Float = id == values.scores ? -.infinity : 0
        let plane = AttentionPlane(values, numbers, hidden: hidden)
        let isExact = (0..<values.queries).allSatisfy { query in
            (0..<values.keys).allSatisfy { values.visible(query).contains($0) || numbers[query * values.keys + $0] == hidden }
        }
        return MaskedPicture(
            grid: try plane.grid(rows: rows, columns: columns, threads: threads), counts: plane.counts, hidden: plane.hiddenCount,
            isExact: isExact)
    }

    /// Σ over the features of gradient · value of the token's embedding (Shrikumar et al. 2017, arXiv:1704.02685, section 3.1: to first
    /// order, the change of the loss if the embedding went to 0, with the sign turned).
    private func attribution() throws -> [Double] {
        let stepper = pass.stepper
        guard let id = stepper.program.tokenEmbedding, let gradient = stepper.program.gradient(of: id), let x = try stepper.tensor(id),
            let g = try stepper.tensor(gradient)
        else { throw PromptError(rule: "not computed yet") }
        let (width, x0, g0) = (x.shape.rowLength, x.floats(), g.floats())
        return (0..<x.shape.rowCount).map { row in
            (row * width..<(row + 1) * width).reduce(0) { $0 + Double(x0[$1]) * Double(g0[$1]) }
        }
    }
}

extension Program {
    /// What the tokens' ids are turned into.
    package var tokenEmbedding: Int? {
        guard let ids = id(of: "input_ids") else { return nil }
        return steps.first { $0.op is Embedding && $0.inputs.first == ids }?.output
    }
}

// MARK: where the screen stands

extension Session {
    /// Nil until the engine has made it, and where there is no loss.
    package var reverse: ReverseList? {
        if case .gradient(.list(let list))? = answers[.gradient(.list)] { return list }
        return nil
    }

    /// Why there is no reverse walk.
    package var reverseProblem: String? {
        if case .failed(let why)? = answers[.gradient(.list)] { return why }
        return nil
    }

    /// Whether the walk is part of the run.
    package var isDifferentiated: Bool { snapshot?.stepper.program.hasBackward ?? false }

    /// The row of the reverse list that is selected.
    package var reverseRow: ReverseList.Row? {
        if let chosen = gradient.row, chosen.value == place.value { return chosen.row }
        return gradientEntry.map { .entry($0) }
    }

    /// The step of the reverse walk that the screen is about: the one that was stepped into, the selected one, or the one that writes the selected value's gradient.
    package var gradientEntry: Int? {
        guard let list = reverse else { return nil }
        if let name = snapshot?.entered.first { return list.program.id(of: name).flatMap { list.entry(writing: $0) } }
        if let chosen = gradient.row, chosen.value == place.value, case .entry(let entry) = chosen.row, list.entries.indices.contains(entry)
        {
            return entry
        }
        return list.entry(writing: place.value.id) ?? list.entry(of: place.value.id)
    }

    /// The forward value whose gradient is looked at.
    package var gradientTarget: ValueRef? {
        guard let count = snapshot?.stepper.program.values.count else { return nil }
        if let entry = gradientEntry { return reverse.map { ValueRef(id: $0.entries[entry].target) } }
        return place.value.level == 0 && place.value.id < count ? place.value : nil
    }

    /// Its gradient, once the walk is part of the run.
    package var gradientValue: ValueRef? {
        guard isDifferentiated, let entry = gradientEntry else { return nil }
        return reverse.map { ValueRef(id: $0.entries[entry].output) }
    }

    package func isComputed(_ value: ValueRef) -> Bool { snapshot?.stepper(level: value.level)?.isComputed(value.id) ?? false }

    /// The op that the selected step of the walk goes back over, and its derivative.
    package var gradientStep: Step? {
        guard let list = reverse, let entry = gradientEntry else { return nil }
        return list.program.steps[list.entries[entry].step]
    }

    /// The element under the cursor, of the forward value.
    package var gradientElement: GradientView.Element? {
        gradientTarget.map { GradientView.Element(value: $0.id, index: cursorIndex) }
    }

    /// Selects a row of the list, folded or not.
    package mutating func selectReverse(_ row: ReverseList.Row) {
        guard let list = reverse else { return }
        if case .entry(let entry) = row, list.entries.indices.contains(entry) {
            let chosen = list.entries[entry]
            let (cell, leading) = ((place.row, place.column), place.leading)
            select(ValueRef(id: isDifferentiated ? chosen.output : chosen.target))
            (place.row, place.column, place.leading) = (cell.0, cell.1, leading)
            clampPlace()
        }
        gradient.row = GradientView.Chosen(row: row, value: place.value)
    }
}
