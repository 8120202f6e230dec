import CKernels

/// A tensor in blocks of `block` values: each value a code of one byte, the block's largest magnitude beside it.
package struct BlockCodes: Sendable {
    /// The levels that a code stands for, ascending, −1…1.
    package enum Levels: String, Sendable, CaseIterable {
        /// Signed dynamic tree: 7 decades, the largest finest. Dettmers et al. 2021, arXiv:2110.02861, section 2.1.
        case signed
        /// The same without a sign, for squares.
        case unsigned
        /// Sixteen quantiles of the normal distribution. Dettmers et al. 2023, arXiv:2305.14314, appendix E.
        case nf4

        package var values: [Float] {
            switch self {
            case .signed: BlockCodes.dynamic(signed: true)
            case .unsigned: BlockCodes.dynamic(signed: false)
            case .nf4: BlockCodes.normalFloat
            }
        }
    }

    package let shape: Shape
    package let levels: Levels
    package let block: Int
    /// One byte a value.
    package let codes: Tensor
    /// fp32, one a block.
    package let absmax: Tensor

    package init(shape: Shape, levels: Levels, block: Int, codes: Tensor, absmax: Tensor) {
        self.shape = shape
        self.levels = levels
        self.block = block
        self.codes = codes
        self.absmax = absmax
    }

    package init(_ x: Tensor, levels: Levels, block: Int, threads: Int) throws {
        let x = try x.contiguous()
        let count = x.elementCount
        let codes = try Buffer(byteCount: count)
        let values = levels.values
        let absmax = try withExtendedLifetime(x) {
            try Tensor(Shape((.item, (count + block - 1) / block))) { out in
                guard let top = out.baseAddress, let base = codes.writable.baseAddress else { return }
                ck_quantise_blocks(
                    Kernels.pointer(x), Int64(count), Int64(block), values, Int32(values.count), base.assumingMemoryBound(to: UInt8.self),
                    top,
                    Int32(threads))
            }
        }
        self.init(
            shape: x.shape, levels: levels, block: block,
            codes: Tensor(shape: Shape((.item, count)), type: .u8, storage: .memory(codes), offset: 0), absmax: absmax)
    }

    package func tensor(threads: Int) throws -> Tensor {
        let values = levels.values
        return try withExtendedLifetime((codes, absmax)) {
            try Tensor(shape) { out in
                guard let y = out.baseAddress, let base = codes.bytes.baseAddress, !out.isEmpty else { return }
                ck_dequantise_blocks(
                    base.assumingMemoryBound(to: UInt8.self), Kernels.pointer(absmax), Int64(out.count), Int64(block), values, y,
                    Int32(threads))
            }
        }
    }

    /// 0, 1, and in each of seven decades the middles of evenly spaced intervals from a tenth to the whole, twice as many each decade up.
    private static func dynamic(signed: Bool) -> [Float] {
        var levels: [Double] = [0, 1]
        for decade in 0..<7 {
            let count = 1 << (signed ? decade : decade + 1)
            var scale = 1.0
            for _ in decade..<6 { scale /= 10 }
            for i in 0..<count {
                let middle = scale * (0.1 + 0.9 * (Double(i) + 0.5) / Double(count))
                levels += signed ? [middle, -middle] : [middle]
            }
        }
        return levels.sorted().map(Float.init)
    }

    private static let normalFloat: [Float] = [
        -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
        -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434,
        0.5626170039176941, 0.7229568362236023, 1,
    ]
}
