import Engine
import Models
import Tensors

/// The frozen matrices as NF4 holds them: blocks of 64 values as sixteen normal quantiles times the block's largest magnitude, and these
/// magnitudes less their mean in eight bits, in blocks of 256 ("double quantisation", 4.127 bits a weight). Dettmers et al. 2023,
/// arXiv:2305.14314. The values are NF4's; in memory they are fp32, since the products read fp32.
package enum FourBitBase {
    static let block = 64
    static let secondBlock = 256

    package static func rounded(_ weight: Tensor, threads: Int) throws -> Tensor {
        let codes = try BlockCodes(weight, levels: .nf4, block: block, threads: threads)
        let tops = codes.absmax.floats()
        let mean = tops.reduce(0, +) / Float(max(1, tops.count))
        let second = try BlockCodes(
            Tensor(codes.absmax.shape, tops.map { $0 - mean }), levels: .signed, block: secondBlock, threads: threads)
        let restored = try second.tensor(threads: threads).floats().map { $0 + mean }
        return try BlockCodes(
            shape: codes.shape, levels: .nf4, block: block, codes: codes.codes, absmax: Tensor(codes.absmax.shape, restored)
        ).tensor(threads: threads)
    }

    /// Every matrix of the blocks; embeddings, head and norms stay as they are.
    static func round(_ model: inout Model, threads: Int) throws {
        let program = try model.program(Pass(tokens: 2))
        for step in program.steps where step.op is Linear {
            let value = program.values[step.inputs[1]]
            guard value.layer != nil, model.replacements[value.name] == nil else { continue }
            model.replacements[value.name] = try rounded(model.weight(value.name), threads: threads)
        }
    }
}
