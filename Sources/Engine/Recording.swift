import Tensors

/// Which values of a run are in memory and what is known of all. Statistics are always kept; tensors under a budget, and an evicted one
/// is computed again from the last kept residual, with the same bits.
package struct Recording: Sendable {
    package enum Keep: Sendable, Hashable {
        /// Values are dropped after their last reader and nothing is measured: what the bench calls a plain forward.
        case nothing
        /// Statistics of everything, tensors up to so many bytes.
        case all(budget: Int)
    }

    package let keep: Keep
    private(set) package var tensors: [Tensor?]
    private(set) package var statistics: [Statistics?]
    /// Bytes of recorded values (weights and inputs do not count).
    private(set) package var byteCount = 0

    package init(valueCount: Int, keep: Keep) {
        self.keep = keep
        tensors = Array(repeating: nil, count: valueCount)
        statistics = Array(repeating: nil, count: valueCount)
    }

    /// The same with room for values that come later.
    func extended(to count: Int) -> Recording {
        var longer = self
        longer.tensors += Array(repeating: nil, count: max(0, count - tensors.count))
        longer.statistics += Array(repeating: nil, count: max(0, count - statistics.count))
        return longer
    }

    /// A weight or an input: always there, outside the budget.
    mutating func bind(_ id: Int, _ tensor: Tensor) { tensors[id] = tensor }

    mutating func store(_ id: Int, _ tensor: Tensor, isView: Bool, threads: Int) throws {
        tensors[id] = tensor
        guard case .all = keep else { return }
        statistics[id] = try Statistics(of: tensor, threads: threads)
        if !isView { byteCount += tensor.byteCount }
    }

    mutating func forget(_ id: Int, isView: Bool) {
        if let tensor = tensors[id], !isView, case .all = keep { byteCount -= tensor.byteCount }
        tensors[id] = nil
        statistics[id] = nil
    }

    /// Drops the tensor and keeps what is known of it.
    mutating func evict(_ id: Int, isView: Bool) {
        if let tensor = tensors[id], !isView, case .all = keep { byteCount -= tensor.byteCount }
        tensors[id] = nil
    }

    var isOverBudget: Bool { if case .all(let budget) = keep { byteCount > budget } else { false } }
}
