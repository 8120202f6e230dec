import CKernels

/// A matrix in four bits an element: blocks of 64 values as sixteen normal quantiles times the block's largest magnitude, and these
/// magnitudes less their mean in eight bits, in blocks of 256 ("double quantisation", 4.127 bits an element together). Dettmers et al.
/// 2023, arXiv:2305.14314. Products unpack it panel by panel; it is never whole in fp32.
package final class NF4Codes: Sendable {
    package static let block = 64
    package static let secondBlock = 256

    package let count: Int
    /// Two codes a byte, the even element in the lower half.
    private let codes: Tensor
    /// One byte a block, and fp32 for each 256 of them.
    private let scales: BlockCodes
    private let mean: Float
    /// The levels of codes and of scales, where kernels find them.
    private let levels: Tensor
    private let steps: Tensor

    /// Reads the elements where they lie, a block at a time.
    package init(_ x: Tensor, threads: Int) throws {
        let x = try x.isContiguous && x.type != .nf4 ? x : x.contiguous()
        count = x.elementCount
        let (count, buffer) = (count, try Buffer(byteCount: (x.elementCount + 1) / 2))
        levels = try NF4Codes.table(.nf4)
        steps = try NF4Codes.table(.signed)
        let absmax = try withExtendedLifetime((x, levels)) { [levels] in
            try Tensor(Shape((.item, (count + NF4Codes.block - 1) / NF4Codes.block))) { out in
                guard let top = out.baseAddress, let base = buffer.writable.baseAddress, let elements = x.bytes.baseAddress else { return }
                ck_encode_nf4(
                    elements, x.type.kernelType, Int64(count), Kernels.pointer(levels), base.assumingMemoryBound(to: UInt8.self), top,
                    Int32(threads))
            }
        }
        codes = Tensor(shape: Shape((.item, buffer.byteCount)), type: .u8, storage: .memory(buffer), offset: 0)
        let tops = absmax.floats()
        let mean = tops.reduce(0, +) / Float(max(1, tops.count))
        self.mean = mean
        scales = try BlockCodes(
            Tensor(absmax.shape, tops.map { $0 - mean }), levels: .signed, block: NF4Codes.secondBlock, threads: threads)
    }

    private static func table(_ levels: BlockCodes.Levels) throws -> Tensor {
        let values = levels.values
        return try Tensor(Shape((.item, values.count)), values)
    }

    package var byteCount: Int { codes.byteCount + scales.codes.byteCount + scales.absmax.byteCount + MemoryLayout<Float>.size }

    /// Calls `body` with what kernels take for the elements from `first` on.
    func withKernelView<T>(first: Int, _ body: (UnsafeRawPointer) -> T) -> T {
        withExtendedLifetime(self) {
            var view = ck_nf4()
            view.codes = Kernels.bytes(codes)
            view.scales = Kernels.bytes(scales.codes)
            view.tops = Kernels.pointer(scales.absmax)
            view.levels = Kernels.pointer(levels)
            view.steps = Kernels.pointer(steps)
            view.mean = mean
            view.first = Int64(first)
            return withUnsafePointer(to: view) { body(UnsafeRawPointer($0)) }
        }
    }
}

extension Tensor {
    /// The same matrix in NF4's codes.
    package func inNF4(threads: Int) throws -> Tensor {
        Tensor(shape: shape, type: .nf4, storage: .codes(try NF4Codes(self, threads: threads)), offset: 0)
    }

    /// Calls `body` with the address and the type under which a product takes the elements from the first one on.
    func withKernelElements<T>(_ body: (UnsafeRawPointer?, ck_type) -> T) -> T {
        guard case .codes(let codes) = storage else { return body(bytes.baseAddress, type.kernelType) }
        return codes.withKernelView(first: offset) { body($0, type.kernelType) }
    }

    /// For kernels that read single elements: itself, but codes as fp32.
    func unpacked() throws -> Tensor { type == .nf4 ? try contiguous() : self }
}
