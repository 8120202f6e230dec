/// Where a run stands in its data; with the file and the settings it gives every batch that follows.
package struct DataCursor: Sendable, Equatable, Codable {
    /// From 0.
    package var epoch = 0
    /// Rows of the epoch that have been handed out.
    package var position = 0

    package init(epoch: Int = 0, position: Int = 0) {
        self.epoch = epoch
        self.position = position
    }
}

/// Hands out batches, epoch after epoch. The last step of an epoch has the rows that are left.
package struct BatchLoader: Sendable {
    package let settings: DataSettings
    /// Rows before padding: one an item, or what packing made.
    private let rows: [(chosen: BatchRow, rejected: BatchRow?)]
    private let paddingID: Int32
    package private(set) var cursor: DataCursor
    private var order: [Int]

    /// Goes on at `cursor`, as if all before it had been handed out.
    package init(_ data: Dataset, _ settings: DataSettings, from cursor: DataCursor = DataCursor()) {
        self.settings = settings
        rows = Packing.rows(data.items, settings)
        paddingID = data.paddingID
        let position = min(max(0, cursor.position), rows.count)
        self.cursor = DataCursor(epoch: max(0, cursor.epoch), position: position)
        order = []
        order = epochOrder()
    }

    /// Rows of an epoch.
    package var rowCount: Int { rows.count }
    package var stepsPerEpoch: Int { (rows.count + settings.rowsPerStep - 1) / settings.rowsPerStep }

    /// What packing and padding make of the rows in the first epoch. Later epochs are shuffled anew, so that others are padded then.
    var firstEpoch: DataReport.Epoch {
        var epoch = DataReport.Epoch()
        let order = BatchOrder.indices(rows.count, shuffle: settings.shuffle, seed: settings.seed, epoch: 0)
        let size = max(1, settings.batchSize)
        for first in stride(from: 0, to: order.count, by: size) {
            let part = order[first..<min(order.count, first + size)].map { rows[$0] }
            epoch.take(part.map(\.chosen) + part.compactMap(\.rejected))
        }
        return epoch
    }

    private func epochOrder() -> [Int] {
        BatchOrder.indices(rows.count, shuffle: settings.shuffle, seed: settings.seed, epoch: cursor.epoch)
    }

    /// The data of the next step; nil only if there are no rows at all.
    package mutating func next() -> Batch? {
        guard !rows.isEmpty else { return nil }
        if cursor.position >= rows.count {
            cursor = DataCursor(epoch: cursor.epoch + 1)
            order = epochOrder()
        }
        let end = min(rows.count, cursor.position + settings.rowsPerStep)
        let taken = order[cursor.position..<end]
        cursor.position = end
        return Batch(microBatches: microBatches(Array(taken)), epoch: cursor.epoch)
    }

    private func microBatches(_ taken: [Int]) -> [MicroBatch] {
        stride(from: 0, to: taken.count, by: max(1, settings.batchSize)).map { first in
            let chosen = taken[first..<min(taken.count, first + max(1, settings.batchSize))].map { rows[$0] }
            let rejected = chosen.compactMap(\.rejected)
            return MicroBatch(chosen.map(\.chosen) + rejected, pairs: rejected.count, padding: paddingID)
        }
    }
}
