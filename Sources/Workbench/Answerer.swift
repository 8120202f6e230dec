import Engine
import Models
import Tensors
import Training

/// Answers the questions of screens from one state of the run. Everything here reads; nothing it does can change a value.
struct Answerer {
    /// The prompt's, then one a token.
    let passes: [Generation]
    let inner: [Expansion]
    var trainer: Trainer?
    /// The model of the passes with its adapter, whatever the mode.
    var adapted: Model?
    let threads: Int
    var limits: MachineLimits?
    fileprivate var pass: Generation? { passes.last }

    func answer(_ request: Request, _ cancelled: () -> Bool) throws -> Answer {
        switch request {
        case .picture(let slice, let rows, let columns):
            return .picture(Pooled(slice.plane(of: try tensor(slice.value)), rows: rows, columns: columns, threads: threads))
        case .detail(let value, let bins): return .detail(try detail(value, bins))
        case .row(let slice, let row): return .row(try self.row(slice, row))
        case .lineage(let value, let index): return try lineage(value, index)
        case .predictions(let count): return try predictions(count, cancelled)
        case .lens(let positions, let count):
            guard let stepper = pass?.stepper, let lens = try LogitLens(stepper, positions: positions, count: count, interrupted: cancelled)
            else {
                return .failed("the lens needs a finished pass")
            }
            return .lens(lens)
        case .scores: return .scores(try TokenScore.all(passes, threads: threads, cancelled: cancelled))
        case .stories(let text):
            guard let pass, let tokenizer = pass.model.tokenizer else { return .failed("there is no tokenizer") }
            return .stories(TokenStories(text: text, ids: pass.ids, tokenizer))
        case .find(let value, let query): return .found(find(try tensor(value), query))
        case .attention(let question):
            return .attention(try AttentionReader(stepper: stepper(ValueRef(id: 0)), threads: threads).answer(question))
        case .gradient(let question):
            guard let pass else { return .failed("nothing runs yet") }
            return try GradientReader(pass: pass, threads: threads).answer(question, cancelled)
        case .numerics(let question):
            return try NumericsReader(passes: passes.map(\.stepper), inner: inner.map(\.stepper)).answer(question, cancelled)
        case .batchRow: return try pass.map { .batchRow(try BatchRowReading($0.stepper)) } ?? .failed("nothing runs yet")
        case .trained(let question):
            return try trainer.map { .trained(try TrainedReader(trainer: $0, threads: threads).answer(question)) }
                ?? .failed("nothing is trained")
        case .adapterEffect: return try effect(cancelled)
        case .kernel(let value, let name): return try kernel(value, name, cancelled)
        case .rope(let question): return .rope(try RopeReader(stepper: stepper(ValueRef(id: 0)), threads: threads).answer(question))
        }
    }

    private func stepper(_ value: ValueRef) throws -> Stepper {
        if value.level == 0, let stepper = pass?.stepper { return stepper }
        guard inner.indices.contains(value.level - 1) else { throw PromptError(rule: "the op was left") }
        return inner[value.level - 1].stepper
    }

    private func tensor(_ value: ValueRef) throws -> Tensor {
        let stepper = try stepper(value)
        guard stepper.program.values.indices.contains(value.id), let tensor = try stepper.tensor(value.id) else {
            throw PromptError(rule: "not computed yet")
        }
        return tensor
    }

    private func detail(_ value: ValueRef, _ bins: Int) throws -> Detail {
        let tensor = try tensor(value)
        let known = try stepper(value).statistics(value.id)
        return try Detail(tensor, statistics: known ?? Statistics(of: tensor, threads: threads), bins: bins, threads: threads)
    }

    private func row(_ slice: Slice, _ row: Int) throws -> [Float] {
        let plane = slice.plane(of: try tensor(slice.value))
        guard row >= 0, row < plane.shape[0] else { return [] }
        return (0..<plane.shape[1]).map { Float(plane.value(at: [row, $0]) ?? .nan) }
    }

    private func lineage(_ value: ValueRef, _ index: [Int]) throws -> Answer {
        let stepper = try stepper(value)
        // A box may still hold a value of a longer program, such as one with a reverse walk behind it.
        guard stepper.program.values.indices.contains(value.id) else { return .failed("not computed yet") }
        guard let lineage = try stepper.lineage(of: value.id, at: index) else { return .failed("not computed yet") }
        return .lineage(lineage, uses: try stepper.uses(of: value.id, at: index, limit: 20))
    }

    private func predictions(_ count: Int, _ cancelled: () -> Bool) throws -> Answer {
        guard let stepper = pass?.stepper, let id = stepper.program.id(of: "logits"), let logits = try stepper.tensor(id) else {
            return .failed("the logits have not been computed yet")
        }
        var rankings: [TokenRanking] = []
        for block in LogitBlocks.ranges(logits) {
            if cancelled() { return .failed("stopped") }
            rankings += try TokenRanking.rows(of: LogitBlocks.part(block, of: logits), count: count, threads: threads)
        }
        return .predictions(rankings)
    }

    /// Against the same passes without the adapter, computed as far as these.
    private func effect(_ cancelled: () -> Bool) throws -> Answer {
        guard let adapted, adapted.adapter != nil else { return .failed("the model has no adapter") }
        let plain = try AdapterMode(place: .unloaded).applied(to: adapted, threads: threads)
        guard let base = try Generation.carried(passes, to: plain, interrupted: cancelled) else { return .failed("stopped") }
        return .adapterEffect(try AdapterReader(passes: passes, base: base.passes, threads: threads).effect())
    }

    private func kernel(_ value: ValueRef, _ name: String, _ cancelled: () -> Bool) throws -> Answer {
        guard let limits, let reading = try stepper(value).reading(of: value.id, by: name, limits: limits, interrupted: cancelled) else {
            return .failed("not computed yet")
        }
        return .kernel(reading)
    }

    private func find(_ tensor: Tensor, _ query: NumberQuery) -> [Int]? {
        let values = tensor.floats()
        let at = values.firstIndex { x in
            switch query.comparison {
            case .over: Double(x) > query.number
            case .under: Double(x) < query.number
            case .near: abs(Double(x) - query.number) <= 1e-6 * max(1, abs(query.number))
            case .nonFinite: !x.isFinite
            }
        }
        return at.map { tensor.shape.index(at: $0) }
    }
}
