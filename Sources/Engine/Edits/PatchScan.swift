import Tensors

/// A map of where in a model a behaviour lies: each cell is the corrupted run with one part copied from the clean run (activation
/// patching, causal tracing), measured by the logit difference between the clean run's answer and the corrupted run's. Meng et al. 2022,
/// arXiv:2202.05262; normalised as in Wang et al. 2022, arXiv:2211.00593.
package struct PatchScan: Sendable {
    package enum What: String, CaseIterable, Sendable {
        /// The stream after a layer, by position.
        case residual
        /// What the attention, or the MLP, of a layer adds, by position.
        case attention, mlp
        /// A head's context, at all positions.
        case heads
    }

    /// Which logits are compared.
    package struct Question: Sendable, Hashable {
        package let answer: Int
        package let wrong: Int

        package init(answer: Int, wrong: Int) {
            self.answer = answer
            self.wrong = wrong
        }
    }

    package let what: What
    package let question: Question
    /// The values that are patched, one a row.
    package let values: [Int]
    /// Their layers; −1 for the embedding.
    package let layers: [Int]
    /// Positions, or heads.
    package let columns: Int
    /// logit(answer) − logit(wrong) after the last token.
    package let clean: Double
    package let corrupted: Double
    /// Row by row: (patched − corrupted) / (clean − corrupted); 0 changes nothing, 1 restores the clean answer. NaN: not measured yet.
    package fileprivate(set) var effects: [Float]
    package fileprivate(set) var done = 0

    package var rows: Int { values.count }
    package var total: Int { rows * columns }
    package var isFinished: Bool { done == total }
    package subscript(_ row: Int, _ column: Int) -> Float { effects[row * columns + column] }
}

/// A scan on its way, cell by cell, so that it can be shown and stopped.
package struct PatchScanner: Sendable {
    package private(set) var scan: PatchScan
    private let clean: Stepper
    private let corrupted: Stepper
    /// The last value of the stream: from there on only the last token matters.
    private let stream: Int
    private let logits: Int

    /// Both runs are finished passes over texts of the same length. Without a question, each run's likeliest token is asked for.
    package init(_ what: PatchScan.What, clean: Stepper, corrupted: Stepper, question: PatchScan.Question? = nil) throws {
        let program = corrupted.program
        guard let logits = program.id(of: "logits"), let stream = LogitLens.streams(program).last, let own = try clean.lastLogits(),
            let other = try corrupted.lastLogits()
        else { throw EditError("a scan needs two finished runs; run both to the end") }
        let counts = [clean, corrupted].map { $0.program.values[$0.program.id(of: "input_ids") ?? 0].shape[0] }
        guard counts[0] == counts[1] else {
            throw EditError("the clean prompt has \(counts[0]) tokens and the corrupted one \(counts[1]); a scan needs as many in both")
        }
        let question = try question ?? PatchScanner.question(own, other)
        for id in [question.answer, question.wrong] where !own.indices.contains(id) {
            throw EditError("token \(id) is outside the vocabulary of \(own.count)")
        }
        let rows = try PatchScanner.rows(what, program)
        (self.clean, self.corrupted, self.stream, self.logits) = (clean, corrupted, stream, logits)
        let columns = what == .heads ? program.heads(of: rows[0])?.count ?? 0 : counts[0]
        let (best, worst) = (PatchScanner.difference(own, question), PatchScanner.difference(other, question))
        guard abs(best - worst) > 1e-6 * max(abs(best), abs(worst), 1) else {
            throw EditError("both runs have the same logit difference (\(Float(best))); choose other prompts, or another answer")
        }
        scan = PatchScan(
            what: what, question: question, values: rows, layers: rows.map { program.values[$0].layer ?? -1 }, columns: columns,
            clean: best,
            corrupted: worst, effects: Array(repeating: .nan, count: rows.count * columns))
    }

    private static func question(_ clean: [Float], _ corrupted: [Float]) throws(EditError) -> PatchScan.Question {
        let tops = [clean, corrupted].map { logits in logits.indices.max { logits[$0] < logits[$1] } ?? 0 }
        guard tops[0] != tops[1] else {
            throw EditError("both runs go on with token \(tops[0]); say which answer and which wrong token to compare")
        }
        return PatchScan.Question(answer: tops[0], wrong: tops[1])
    }

    private static func rows(_ what: PatchScan.What, _ program: Program) throws(EditError) -> [Int] {
        let rows =
            switch what {
            case .residual: LogitLens.streams(program)
            case .attention: program.attentionOutputs
            case .mlp: program.mlpOutputs
            case .heads: program.contexts
            }
        if rows.isEmpty { throw EditError("this model has no \(what.rawValue) to patch") }
        return rows
    }

    private static func difference(_ logits: [Float], _ question: PatchScan.Question) -> Double {
        Double(logits[question.answer]) - Double(logits[question.wrong])
    }

    /// Measures one more cell.
    package mutating func step() throws {
        guard !scan.isFinished else { return }
        let patched = try difference(row: scan.done / scan.columns, column: scan.done % scan.columns)
        scan.effects[scan.done] = Float((patched - scan.corrupted) / (scan.clean - scan.corrupted))
        scan.done += 1
    }

    /// The logit difference of the corrupted run with one cell copied; only what lies downstream is computed.
    private func difference(row: Int, column: Int) throws -> Double {
        let id = scan.values[row]
        let tensor = try patched(id, column)
        let end = id == stream ? tensor : try corrupted.replay(to: stream, replacing: id, by: tensor)
        let last = end.view(Shape([Axis(.token, 1), end.shape.axes[1]]), strides: end.strides, offset: (end.shape[0] - 1) * end.stride(0))
        let row = try corrupted.replay(to: logits, replacing: stream, by: last.contiguous(), textEnd: corrupted.edits.text.end)
        return PatchScanner.difference(row[0].floats(), scan.question)
    }

    /// The corrupted run's value with the clean run's numbers in a row (a position) or a head's columns.
    private func patched(_ id: Int, _ column: Int) throws -> Tensor {
        guard let own = try corrupted.tensor(id), let name = clean.program.id(of: corrupted.program.values[id].name),
            let other = try clean.tensor(name)
        else { throw EditError("\(corrupted.program.values[id].name) has not been computed") }
        var values = own.floats()
        let source = other.floats()
        let head = CellSelection.Range.one(column)
        let features = scan.what == .heads ? try corrupted.program.heads(of: id)?.features(head, of: "context") : nil
        let region = features.map { [0..<own.shape[0], $0] } ?? [column..<column + 1, 0..<own.shape[1]]
        own.shape.forEachPosition(in: region) { values[$0] = source[$0] }
        return try Tensor(own.shape, values)
    }
}

extension PatchScan {
    /// The edit that makes a cell's patch, copying from a run of this name.
    package func edit(row: Int, column: Int, program: Program, from run: String) -> Edit {
        let item =
            what == .heads ? CellSelection.Item(.head, .one(column)) : CellSelection.Item(.token, .one(column))
        return Edit(.values(program.values[values[row]].name, CellSelection([item])), .copy(from: run))
    }
}
