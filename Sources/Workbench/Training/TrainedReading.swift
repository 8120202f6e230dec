import Engine
import Screen
import Tensors
import Training

/// A weight that is trained, as the screen names it.
package struct TrainedWeight: Sendable, Hashable {
    package let name: String
    /// Of its plane: what is drawn down and to the right.
    package let rows: Int
    package let columns: Int

    init(_ parameter: Parameter) {
        let plane = parameter.shape.rank < 2 ? (1, parameter.shape.elementCount) : (parameter.shape[0], parameter.shape[1])
        (name, rows, columns) = (parameter.name, plane.0, plane.1)
    }
}

/// What the Train screen asks about a weight as it is after a step.
package struct TrainedQuestion: Sendable, Hashable {
    package enum Part: String, Sendable, Hashable, CaseIterable {
        case weight
        /// What the last step added to it.
        case update
    }

    package enum What: Sendable, Hashable {
        /// A heat map of so many bins.
        case picture(rows: Int, columns: Int, transposed: Bool)
        /// The number at a row and a column.
        case number(row: Int, column: Int)
    }

    /// Place in the list of trained weights.
    package let weight: Int
    package let part: Part
    /// A later step has another answer.
    package let step: Int
    package let what: What
}

/// A weight or its last update, reduced to what a pane can show.
package struct TrainedPicture: Sendable, Hashable {
    package let weight: Int
    package let part: TrainedQuestion.Part
    /// Updates made when it was taken.
    package let step: Int
    package let grid: PooledGrid
    package let min: Float
    package let max: Float
    package let norm: Double
    /// Of the weight that an update was added to, for their ratio.
    package let weightNorm: Double
    package let counts: HeatCounts

    /// 99 % of the bins lie within ± this.
    var usual: Double {
        let sizes = grid.values.map { abs($0) }.sorted()
        return sizes.isEmpty ? 0 : Double(sizes[Swift.min(sizes.count - 1, sizes.count * 99 / 100)])
    }
}

package enum TrainedAnswer: Sendable {
    case picture(TrainedPicture)
    case number(Double?)
    /// No step has been made since the program began, or there was no memory to keep its updates.
    case unknown
}

/// Reads the weights of a run between two steps.
struct TrainedReader {
    let trainer: Trainer
    let threads: Int

    func answer(_ question: TrainedQuestion) throws -> TrainedAnswer {
        guard let name = trainer.job.parameters[safe: question.weight]?.name, let tensor = try tensor(name, question.part) else {
            return .unknown
        }
        switch question.what {
        case .picture(let rows, let columns, let transposed):
            let plane = Slice(ValueRef(id: 0), transposed: transposed).plane(of: tensor)
            return .picture(try picture(question, name, tensor, Pooled(plane, rows: rows, columns: columns, threads: threads)))
        case .number(let row, let column):
            return .number(tensor.value(at: tensor.shape.rank < 2 ? [column] : [row, column]))
        }
    }

    private func tensor(_ name: String, _ part: TrainedQuestion.Part) throws -> Tensor? {
        switch part {
        case .weight: try trainer.model.weight(name)
        case .update: trainer.updates[name]
        }
    }

    private func picture(_ question: TrainedQuestion, _ name: String, _ tensor: Tensor, _ pooled: Pooled) throws -> TrainedPicture {
        let own = try Statistics(of: tensor, threads: threads)
        let weight = question.part == .weight ? own : try Statistics(of: trainer.model.weight(name), threads: threads)
        return TrainedPicture(
            weight: question.weight, part: question.part, step: trainer.state.step, grid: PooledGrid(pooled), min: own.min, max: own.max,
            norm: own.norm, weightNorm: weight.norm,
            counts: HeatCounts(nan: own.nan, posInf: own.positiveInfinity, negInf: own.negativeInfinity))
    }
}
