import Tensors

/// How a packed mask gets the first visible keys: from an op's last input, which is read only where the mask says that there is one.
extension Dense {
    /// The values as keys; nil where they are none.
    var keys: [Int32]? { shape.rank == 1 ? values.map { Int32(exactly: $0) ?? 0 } : nil }
}

extension Tensor {
    /// The values as keys; nil where they are none.
    var keys: [Int32]? { shape.rank == 1 ? doubles().map { Int32(exactly: $0) ?? 0 } : nil }
}

extension AttentionMask {
    /// The mask of a pass; an unpacked one stays as it is.
    func with(first keys: Tensor) -> AttentionMask { packed ? pass(queries: 0, keys: 0, first: keys.keys) : self }
}
