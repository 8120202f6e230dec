import Tensors

/// A step's kernel, where what it gives is the value as it is stored and nothing it reads has to be rounded. Found out once: a step of a long
/// decoding is short beside a look at the whole of its choice.
final class ReadyKernel: Sendable {
    private let body: Kernel.Body
    private let arithmetic: Arithmetic

    /// Nil where more is to be done than to run the kernel.
    init?(_ op: any Op, _ choice: Policy.Choice, threads: Int) {
        guard let kernel = choice.kernel, choice.isByOwnKernel, choice.rounds else { return nil }
        guard choice.storage(op) != nil || choice.isCopy && !choice.isDouble else { return nil }
        body = kernel.body
        arithmetic = Arithmetic(threads: threads, rounding: choice.rounding)
    }

    /// Nil where an input is in fp64, which kernels do not read.
    func run(_ inputs: [Tensor], _ shape: Shape) throws -> Tensor? {
        inputs.contains { $0.type == .f64 } ? nil : try body(inputs, shape, arithmetic)
    }
}
