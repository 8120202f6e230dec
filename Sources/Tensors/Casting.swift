import CKernels

/// Rounding whole values.
extension NumberFormat {
    /// Whether every fp32 number stays as it is.
    package var keepsSingle: Bool { mantissaBits >= 23 && exponentBits >= 8 && !flushesSubnormals }

    /// The tensor with every number rounded to the format, as a new contiguous fp32 value; itself if nothing can change. Integers are
    /// rounded as the numbers that they are. Where −∞ `hides` a key it is a mask and no number: it stays, whether the format has an infinity or
    /// not, and its block's scale is made without it.
    package func rounded(_ x: Tensor, hides: Bool = false, threads: Int) throws -> Tensor {
        if keepsSingle && x.type != .f64 { return x }
        if self == .fp64 { return x }
        if x.type == .f64 && isElementwise {
            return try Tensor(x.shape, x.doubles().map { Float(hides && $0 == -.infinity ? $0 : nearest($0)) })
        }
        let x = try x.contiguous()
        if case .levels(let levels, let block) = self.block {
            if hides { return try x.aroundHidden { try rounded($0, threads: threads) } }
            return try BlockCodes(x, levels: levels, block: block, threads: threads).tensor(threads: threads)
        }
        return try Kernels.produce(x.shape, keeping: [x]) { y in
            withUnsafePointer(to: kernelFormat(hides: hides)) { cast(Kernels.pointer(x), to: y, x.shape, $0, Int32(threads)) }
        }
    }

    /// The same in the tensor's own memory where that can be: nobody else may have seen it yet.
    package func rounded(fresh x: Tensor, hides: Bool = false, threads: Int) throws -> Tensor {
        guard isElementwise, !keepsSingle, x.type == .f32, x.isContiguous, case .memory = x.storage else {
            return try rounded(x, hides: hides, threads: threads)
        }
        withExtendedLifetime(x) {
            let numbers = Kernels.pointer(x)
            withUnsafePointer(to: kernelFormat(hides: hides)) {
                cast(numbers, to: UnsafeMutablePointer(mutating: numbers), x.shape, $0, Int32(threads))
            }
        }
        return x
    }

    /// A weight in the format, as every run reads it: rounded once if it lies in a file, and in two bytes an element if the format's numbers
    /// are all numbers of bf16.
    package func rounded(weight: Tensor, threads: Int) throws -> Tensor {
        guard case .file(let file) = weight.storage else { return try rounded(weight, threads: threads) }
        return try file.cast(weight, to: self) {
            let numbers = try rounded(weight, threads: threads)
            return isElementwise && mantissaBits <= 7 && exponentBits <= 8 ? try numbers.inBF16(threads: threads) : numbers
        }
    }

    private func cast(
        _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ shape: Shape, _ format: UnsafePointer<ck_format>, _ threads: Int32
    ) {
        let (rows, length) = (Int64(shape.rowCount), Int64(shape.rowLength))
        switch block {
        case .powerOfTwo(let size): ck_cast_blocks(x, y, rows, length, Int64(size), CK_POWER_OF_TWO, format, threads)
        case .maximum(let size): ck_cast_blocks(x, y, rows, length, Int64(size), CK_MAXIMUM, format, threads)
        default: ck_cast(x, y, Int64(shape.elementCount), format, threads)
        }
    }

    /// What the kernels are told.
    func kernelFormat(partsOnly: Bool = false, hides: Bool = false) -> ck_format {
        ck_format(
            mantissa: Int32(min(mantissaBits, 23)), bias: Int32(bias), maximum: Float(maximum),
            overflow: saturates ? CK_TO_MAXIMUM : specials == .onlyNaN ? CK_TO_NAN : CK_TO_INFINITY, has_nan: specials == .none ? 0 : 1,
            flush: flushesSubnormals ? 1 : 0, parts_only: partsOnly ? 1 : 0, hides: hides ? 1 : 0)
    }
}

extension Tensor {
    /// What `body` makes of it with 0 for −∞, and −∞ where it has it.
    fileprivate func aroundHidden(_ body: (Tensor) throws -> Tensor) throws -> Tensor {
        let numbers = floats()
        let made = try body(Tensor(shape, numbers.map { $0 == -.infinity ? 0 : $0 }))
        return try Tensor(shape, zip(numbers, made.floats()).map { $0 == -.infinity ? $0 : $1 })
    }

    /// fp32 numbers that are numbers of bf16, by their upper halves.
    fileprivate func inBF16(threads: Int) throws -> Tensor {
        let buffer = try Buffer(byteCount: elementCount * 2)
        withExtendedLifetime(self) {
            guard let halves = buffer.writable.baseAddress, elementCount > 0 else { return }
            ck_upper_halves(Kernels.pointer(self), halves.assumingMemoryBound(to: UInt16.self), Int64(elementCount), Int32(threads))
        }
        return Tensor(shape: shape, type: .bf16, storage: .memory(buffer), offset: 0)
    }
}
