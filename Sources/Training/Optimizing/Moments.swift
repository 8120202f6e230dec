import Tensors

/// What the optimizer keeps of a weight: a value in fp32, or in blocks of eight-bit codes.
package enum Moment: Sendable {
    case exact(Tensor)
    case blocks(BlockCodes)

    /// As the next step reads it.
    package func tensor(threads: Int) throws -> Tensor {
        switch self {
        case .exact(let tensor): tensor
        case .blocks(let blocks): try blocks.tensor(threads: threads)
        }
    }

    package var byteCount: Int {
        switch self {
        case .exact(let tensor): tensor.byteCount
        case .blocks(let blocks): blocks.codes.byteCount + blocks.absmax.byteCount
        }
    }
}
