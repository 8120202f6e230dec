import Tensors

/// Which values of a run are in memory and what is known of all. Statistics are always kept; tensors under a budget, and an evicted one
/// is computed again from the last kept residual, with the same bits.
package struct Recording: Sendable {
    package enum Keep: Sendable, Hashable {
        /// Values are dropped after their last reader and nothing is measured: what the bench calls a plain forward.
        case nothing
        /// The same, but of what waits for the reverse walk some residuals only (`Checkpointing`).
        case residuals(Checkpointing)
        /// Statistics of everything, tensors up to so many bytes.
        case all(budget: Int)
    }

    package let keep: Keep
    private(set) package var tensors: [Tensor?]
    /// Of every value; empty where nothing is measured.
    private(set) package var statistics: [Statistics?]
    /// Bytes of memory that recorded values hold, a buffer that several share counted once (weights and inputs do not count).
    private(set) package var byteCount = 0
    /// The most that it has been.
    private(set) package var peakByteCount = 0
    /// How many forward steps were run once more for the reverse walk.
    private(set) package var recomputed = 0
    /// How many recorded values lie in each buffer.
    private var holders: [ObjectIdentifier: Int] = [:]

    package init(valueCount: Int, keep: Keep) {
        self.keep = keep
        tensors = Array(repeating: nil, count: valueCount)
        if case .all = keep { statistics = Array(repeating: nil, count: valueCount) } else { statistics = [] }
    }

    /// The same with room for values that come later.
    func extended(to count: Int) -> Recording {
        var longer = self
        longer.tensors += Array(repeating: nil, count: max(0, count - tensors.count))
        if case .all = keep { longer.statistics += Array(repeating: nil, count: max(0, count - statistics.count)) }
        return longer
    }

    /// A weight or an input: always there, outside the budget, and so are views of it.
    mutating func bind(_ id: Int, _ tensor: Tensor) {
        tensors[id] = tensor
        if case .memory(let buffer) = tensor.storage { _ = count(buffer, 1) }
    }

    mutating func store(_ id: Int, _ tensor: Tensor, threads: Int) throws {
        hold(id, tensor)
        if case .all = keep { statistics[id] = try Statistics(of: tensor, threads: threads) }
    }

    /// A value that had been dropped is there again.
    mutating func restore(_ id: Int, _ tensor: Tensor) {
        hold(id, tensor)
        recomputed += 1
    }

    /// What was measured of a value.
    package func known(_ id: Int) -> Statistics? { statistics.isEmpty ? nil : statistics[id] }

    /// A value of another run, with what is known of it.
    mutating func adopt(_ id: Int, _ tensor: Tensor?, _ known: Statistics?) {
        if let tensor { hold(id, tensor) }
        if !statistics.isEmpty { statistics[id] = known }
    }

    mutating func forget(_ id: Int) {
        evict(id)
        if !statistics.isEmpty { statistics[id] = nil }
    }

    /// Drops the tensor and keeps what is known of it.
    mutating func evict(_ id: Int) {
        guard case .memory(let buffer)? = tensors[id]?.storage else { return tensors[id] = nil }
        tensors[id] = nil
        if count(buffer, -1) == 0 { byteCount -= buffer.byteCount }
    }

    private mutating func hold(_ id: Int, _ tensor: Tensor) {
        evict(id)
        tensors[id] = tensor
        guard case .memory(let buffer) = tensor.storage else { return }
        if count(buffer, 1) == 1 { byteCount += buffer.byteCount }
        peakByteCount = max(peakByteCount, byteCount)
    }

    /// How many values lie in a buffer, now that there is one more or one less. The entry of an empty one stays, for the next buffer at
    /// that address.
    private mutating func count(_ buffer: Buffer, _ change: Int) -> Int {
        func add(_ count: inout Int) -> Int {
            count += change
            return count
        }
        return add(&holders[ObjectIdentifier(buffer), default: 0])
    }

    var isOverBudget: Bool { if case .all(let budget) = keep { byteCount > budget } else { false } }
}
