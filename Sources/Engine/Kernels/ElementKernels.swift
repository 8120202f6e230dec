import RealModule
import Tensors

extension KernelCard {
    package static let elements = KernelCard(
        "Sixteen elements at a time, runs of 32768 shared out among the threads.", order: "the formula, element by element",
        rounding: "nowhere, or within 2 ulp where it holds a tanh", source: "one element does not know of another")
    static let view = KernelCard(
        "The same memory under other axes; nothing is moved.", order: "no arithmetic", rounding: "nowhere",
        source: "strides as in NumPy and PyTorch")
    static let strided = KernelCard(
        "Only what is shown is read, wherever it lies.", order: "no arithmetic", rounding: "nowhere",
        source: "strides as in NumPy and PyTorch")
    static let copied = KernelCard(
        "The whole input is copied, and the part taken out of the copy.", order: "no arithmetic", rounding: "nowhere",
        source: "what a library does that needs its inputs side by side")
}

extension AddScaled {
    package var variants: [Kernel] {
        [
            Kernel(plain: "fma", AddScaled.fma) { inputs, _ in
                Dense(inputs[0].shape, zip(inputs[0].values, inputs[1].values).map { $0.addingProduct(Float(scale), $1) })
            },
            inDouble,
        ]
    }

    private static let fma = KernelCard(
        "Product and sum in one.", order: "fma(s, b, a)", rounding: "one rounding less; in 16 bits s·b is not rounded",
        source: "IEEE 754-2019, fusedMultiplyAdd; the epilogue of a gemm")
}

extension SoftCap {
    package var variants: [Kernel] {
        guard cap > 0 else { return [copy, inDouble] }
        return [
            Kernel(plain: "exp-form", SoftCap.expForm) { inputs, _ in
                inputs[0].map { Float(cap) * (1 - 2 / (Float.exp(2 * ($0 / Float(cap))) + 1)) }
            },
            inDouble,
        ]
    }

    private static let expForm = KernelCard(
        "tanh by one exponential.", order: "c · (1 − 2/(exp(2x/c) + 1))", rounding: "small x lose digits to the difference from 1",
        source: "DLMF, section 4.37")

    private var copy: Kernel { Kernel("copy", .copied) { inputs, shape, _ in try Tensor(shape, inputs[0].floats()) } }

    package func backwardCard(_ input: Int) -> KernelCard? { SoftCap.gradient }

    private static let gradient = KernelCard(
        "The tangent is made again, then its slope, sixteen numbers at a time.",
        order: "t = tanh(x/c); dY · ((1 − t)·(1 + t))",
        rounding: "tanh within 2 ulp; in 16 bits x/c, t, dY·c and that times 1 − t² are rounded", source: "PyTorch, tanh_backward")
}

extension Sum {
    package var variants: [Kernel] {
        [
            Kernel(plain: "reversed", Sum.reversed) { inputs, rounding in
                Dense(inputs[0].shape) { i in
                    inputs.dropLast().reversed().reduce(inputs[inputs.count - 1].values[i]) { rounding($0 + $1.values[i]) }
                }
            },
            inDouble,
        ]
    }

    private static let reversed = KernelCard(
        "From the last reader to the first.", order: "… + b + a", rounding: "the order of the sum", source: "Higham 2002, section 4.2")
}

extension HeadView {
    package var variants: [Kernel] {
        [
            Kernel("copy", .copied) { inputs, shape, _ in
                let view = inputs[0].view(shape, strides: [headDimension, inputs[0].strides[0], 1], offset: offset)
                return try Tensor(shape, view.floats())
            },
            inDouble,
        ]
    }

    package func backwardCard(_ input: Int) -> KernelCard? { HeadView.joined }

    private static let joined = KernelCard(
        "Heads are copied side by side again.", order: "no arithmetic", rounding: "nowhere", source: "a view's transpose")
}

extension Embedding {
    static let gather = KernelCard(
        "Rows of the table are copied and upcast, shared out among the threads.", order: "no arithmetic", rounding: "nowhere",
        source: "torch.nn.Embedding")

    package var variants: [Kernel] {
        [
            Kernel(plain: "one-hot", Embedding.oneHot) { inputs, _ in
                let (ids, table) = (inputs[0].values, inputs[1])
                let width = table.shape[1]
                return Dense(Shape([inputs[0].shape.axes[0], Axis(.feature, width)])) { place in
                    (0..<table.shape[0]).reduce(0) {
                        $0.addingProduct(Int(ids[place / width]) == $1 ? 1 : 0, table.values[$1 * width + place % width])
                    }
                }
            },
            Kernel("strided", .strided) { inputs, shape, _ in
                let ids = inputs[0].doubles().map { Int($0) }
                return try Tensor(shape, ids.flatMap { inputs[1][$0].floats() })
            },
            inDouble,
        ]
    }

    private static let oneHot = KernelCard(
        "The product with a matrix of zeros and ones.", order: "Σᵥ [v = id[t]] · E[v], v ascending",
        rounding: "nowhere: all terms but one are 0",
        source: "Bengio et al. 2003, section 2", fails: "a row with Inf or NaN anywhere in the table spoils every token: 0 · Inf = NaN")

    package func backwardCard(_ input: Int) -> KernelCard? { Embedding.scattered }

    private static let scattered = KernelCard(
        "Each token's row is added to its word's; a thread owns rows of the table and looks through all ids for them.",
        order: "dW[id] ← dW[id] + dY[t], t ascending", rounding: "the reference's bits; in 16 bits a row is rounded after each addition",
        source: "PyTorch, embedding_dense_backward on a CPU")
}

extension AppendCache {
    static let inPlace = KernelCard(
        "New rows are written behind the old ones, in room that was kept for them.", order: "no arithmetic", rounding: "nowhere",
        source: "preallocated caches, as in transformers' StaticCache")

    package var variants: [Kernel] {
        [
            Kernel("concatenate", AppendCache.concatenate) { inputs, shape, _ in
                try Tensor(shape, (0..<shape[0]).flatMap { inputs[0][$0].floats() + inputs[1][$0].floats() })
            },
            inDouble,
        ]
    }

    private static let concatenate = KernelCard(
        "Old and new rows are copied into new memory.", order: "no arithmetic", rounding: "nowhere",
        source: "torch.cat, as in transformers' DynamicCache")
}
