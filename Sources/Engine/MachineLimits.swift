import Tensors

/// How fast this machine is at its best, by the engine's own kernels: what a measured time is compared with.
package struct MachineLimits: Sendable {
    package let operationsPerSecond: Double
    /// Of products of bf16 numbers, by the processor's own instruction if it has one.
    package let bf16OperationsPerSecond: Double
    /// Of memory, read and written together.
    package let bytesPerSecond: Double

    /// Takes about a quarter of a second.
    package init(threads: Int) throws {
        operationsPerSecond = try MachineLimits.product(size: 512, threads: threads, for: .milliseconds(80))
        bf16OperationsPerSecond = try MachineLimits.product(size: 512, of: .bf16, threads: threads, for: .milliseconds(40))
        bytesPerSecond = try MachineLimits.stream(threads: threads)
    }

    package init(operationsPerSecond: Double, bf16OperationsPerSecond: Double? = nil, bytesPerSecond: Double) {
        self.operationsPerSecond = operationsPerSecond
        self.bf16OperationsPerSecond = bf16OperationsPerSecond ?? operationsPerSecond
        self.bytesPerSecond = bytesPerSecond
    }

    /// For a kernel that reads its inputs in a format of its own.
    func reading(_ inputs: NumberFormat?) -> MachineLimits {
        inputs == .bf16 ? MachineLimits(operationsPerSecond: bf16OperationsPerSecond, bytesPerSecond: bytesPerSecond) : self
    }

    /// The least seconds in which so much can be done: whichever of the two takes longer.
    package func seconds(operations: Int, bytes: Int) -> Double {
        max(Double(operations) / operationsPerSecond, Double(bytes) / bytesPerSecond)
    }

    /// Operations a second of a product of two squares, the best of several; `check` is called between them.
    package static func product(
        size: Int, of format: NumberFormat = .fp32, threads: Int, for limit: Duration, check: () throws -> Void = {}
    ) throws -> Double {
        let shape = Shape((.token, size), (.feature, size))
        let a = try Tensor(shape) { out in for i in out.indices { out[i] = Float(i % 17) - 8 } }
        let b = try Tensor(shape) { out in for i in out.indices { out[i] = Float(i % 13) - 6 } }
        let seconds = try best(for: limit) {
            try check()
            if format == .bf16, Kernels.hasBF16Tile {
                _ = try Kernels.matmulBF16Tile(a, b, bias: nil, transposed: false, shape: shape, threads: threads)
            } else if format == .bf16, Kernels.hasBF16Dot {
                _ = try Kernels.matmulBF16(a, b, bias: nil, transposed: false, shape: shape, threads: threads)
            } else {
                _ = try Kernels.matmul(a, b, bias: nil, transposed: false, shape: shape, threads: threads)
            }
        }
        return 2 * Double(size) * Double(size) * Double(size) / seconds
    }

    /// Bytes a second of a sum of two values that no cache holds.
    private static func stream(threads: Int) throws -> Double {
        let shape = Shape((.item, 1 << 23))
        let a = try Tensor(shape) { $0.update(repeating: 1) }
        let seconds = try best(for: .milliseconds(60)) { _ = try Kernels.add(a, a, threads: threads) }
        // Two operands of the same memory are read once.
        return Double(2 * 4 * shape.elementCount) / seconds
    }

    /// Seconds of the fastest of at least three runs.
    static func best(for limit: Duration, _ run: () throws -> Void) rethrows -> Double {
        var fastest = Double.infinity
        let begin = ContinuousClock.now
        for repetition in 0..<20 where repetition < 3 || ContinuousClock.now - begin < limit {
            let start = ContinuousClock.now
            try run()
            fastest = min(fastest, (ContinuousClock.now - start) / .seconds(1))
        }
        return fastest
    }
}
