import RealModule
import Tensors

extension CrossEntropy {
    static let simd = KernelCard(
        "The maximum, then the sum of exponentials; nothing is stored.", order: "log Σ exp(z − max) in fp64 lanes, + (max − z[target])",
        rounding: "one, at the end", source: "exp: minimax fit in the manner of Cephes", sums: .fp64)
    /// How many logits a chunk has.
    package static let chunk = 65536

    package var variants: [Kernel] {
        [
            rows("log-softmax", CrossEntropy.logSoftmax) { z, target in
                let top = z.max() ?? 0
                let exps = z.map { Float.exp($0 - top) }
                return -Float.log(exps[target] / exps.reduce(0, +))
            },
            rows("log-sum-exp", CrossEntropy.logSumExp) { z, target in
                let top = z.max() ?? 0
                return Float.log(z.reduce(0) { $0 + Float.exp($1 - top) }) + (top - z[target])
            },
            rows("online", CrossEntropy.online) { z, target in
                let (top, sum) = OnlineSum(z).parts
                return Float.log(sum) + (top - z[target])
            },
            rows("chunked", CrossEntropy.chunked) { z, target in CrossEntropy.joined(CrossEntropy.chunks(of: z)) - z[target] },
            rows("no-max", CrossEntropy.noMax) { z, target in Float.log(z.reduce(0) { $0 + Float.exp($1) }) - z[target] },
            inDouble,
        ]
    }

    private static let logSoftmax = KernelCard(
        "The probability first, then its logarithm.", order: "−log(exp(z[target] − max) / Σ exp(z − max))",
        rounding: "near p = 1 the logarithm sees one digit of 1 − p at 6e-8",
        source: "the definition: Goodfellow et al. 2016, section 6.2.2",
        fails: "Inf where z[target] < max − 103.97: the exponential is 0 in fp32")
    private static let logSumExp = KernelCard(
        "Sums in fp32, one after the other.", order: "log Σ exp(z − max), ascending, + (max − z[target])",
        rounding: "the sum has up to V roundings", source: "Blanchard, Higham and Higham 2021, Accurately computing the log-sum-exp")
    private static let online = KernelCard(
        "Maximum and sum in one pass.", order: "m′ = max(m, z), d ← d·exp(m − m′) + exp(z − m′)",
        rounding: "one product more for every logit",
        source: "Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3")
    private static let chunked = KernelCard(
        "Chunks of 65536 logits, each with its own log Σ exp, joined by another.",
        order: "L = log Σ_c exp(L_c), L_c = log Σ exp(z) over chunk c",
        rounding: "shorter sums; a logarithm and an exponential more a chunk",
        source: "unsloth, kernels/cross_entropy_loss.py: ⌈V/65536⌉ chunks")
    private static let noMax = KernelCard(
        "Without taking the maximum away.", order: "log Σ exp(z) − z[target]", rounding: "nothing is lost to a shift",
        source: "the definition: Goodfellow et al. 2016, section 6.2.2",
        fails: "Inf where some z > 88.72, −Inf where all z < −103.97 (in fp32)")

    /// A vocabulary of 32000 is one chunk, one of 128256 two, one of 256000 four.
    package static func chunkCount(_ vocabulary: Int) -> Int { (vocabulary + chunk - 1) / chunk }

    private static func chunks(of z: [Float]) -> [Float] {
        (0..<chunkCount(z.count)).map { logSum(z[$0 * chunk..<min(($0 + 1) * chunk, z.count)]) }
    }

    private static func joined(_ parts: [Float]) -> Float { parts.count == 1 ? parts[0] : logSum(parts[...]) }

    private static func logSum(_ z: ArraySlice<Float>) -> Float {
        let top = z.max() ?? 0
        return Float.log(z.reduce(0) { $0 + Float.exp($1 - top) }) + top
    }

    /// Token by token; without a target the loss is 0.
    private func rows(_ name: String, _ card: KernelCard, _ loss: @escaping @Sendable ([Float], Int) -> Float) -> Kernel {
        Kernel(plain: name, card) { inputs, _ in
            Dense(Shape([inputs[0].shape.axes[0]])) { t in
                let target = Int(inputs[1].values[t])
                return target >= 0 ? loss(Array(inputs[0].row(t)), target) : 0
            }
        }
    }

    package func backwardCard(_ input: Int) -> KernelCard? { CrossEntropy.gradient }

    private static let gradient = KernelCard(
        "A row's exponentials are put where its gradient goes, and scaled there.",
        order: "Σ exp(z − max) in fp64 lanes; exp(z − max) · (dl/Σ), at the target (exp/Σ − 1) · dl",
        rounding: "the factor and each product; at the target one, in fp64 before it", source: "exp: minimax fit in the manner of Cephes",
        sums: .fp64)
}

extension HeadLoss {
    static let online = KernelCard(
        "Chunks of the vocabulary with a running maximum, sum and slope; the logits are never all in memory.",
        order: "chunk by chunk, as online softmax",
        rounding: "the slope shrinks where a larger logit comes", source: "Hsu et al. 2024, arXiv:2410.10989")

    package var variants: [Kernel] {
        [
            Kernel("materialised", HeadLoss.materialised) { inputs, shape, threads in
                let (x, w, targets) = (inputs[0], inputs[1], inputs[2])
                let wide = x.shape.replacingLast(Axis(.vocabulary, w.shape[0]))
                let rows = Shape([x.shape.axes[0]])
                let z = try Kernels.matmul(x, w, bias: nil, transposed: false, shape: wide, threads: threads)
                let losses = try Kernels.crossEntropy(z, targets: targets, shape: rows, threads: threads).floats()
                let ones = try Tensor(rows, losses.map { _ in 1 })
                let dz = try Kernels.crossEntropyGradient(z, targets: targets, dL: ones, threads: threads)
                let slope = try Kernels.matmul(dz, w, bias: nil, transposed: true, shape: x.shape, threads: threads)
                return try Tensor(shape, losses.indices.flatMap { slope[$0].floats() + [losses[$0]] })
            },
            inDouble,
        ]
    }

    private static let materialised = KernelCard(
        "All logits, the loss, the slope of the logits, and that times W.", order: "z = x·Wᵀ; l; dz = softmax(z) − onehot; dz·W",
        rounding: "one chain over the whole vocabulary, nothing shrinks on the way",
        source: "the plain way: Goodfellow et al. 2016, section 6.5")
}

extension Mean {
    package var variants: [Kernel] {
        [
            Kernel(plain: "pairwise", Mean.pairwise) { inputs, _ in
                let counted = zip(inputs[0].values, inputs[1].values).filter { $0.1 >= 0 }.map(\.0)
                return Dense(Shape((.item, 1)), [Sums.pairwise(counted[...]) / (isShare ? inputs[2].values[0] : Float(counted.count))])
            },
            Kernel(plain: "shares", Mean.shares) { inputs, _ in
                let counted = zip(inputs[0].values, inputs[1].values).filter { $0.1 >= 0 }.map(\.0)
                let count = isShare ? inputs[2].values[0] : Float(counted.count)
                return Dense(Shape((.item, 1)), [counted.isEmpty ? 0 / count : counted.reduce(0) { $0 + $1 / count }])
            },
            inDouble,
        ]
    }

    private static let pairwise = KernelCard(
        "Losses added two by two.", order: "a balanced tree, then / n", rounding: "the order of the sum",
        source: "Higham 1993, The accuracy of floating point summation")
    private static let shares = KernelCard(
        "Each loss divided before it is added.", order: "Σ (l[t] / n)", rounding: "a rounding for each token more",
        source: "as losses are averaged where a batch comes in parts")
}

extension LossColumn {
    package var variants: [Kernel] {
        [
            Kernel("strided", .strided) { inputs, shape, _ in
                try Tensor(shape) { out in
                    for t in out.indices { out[t] = Float(inputs[0].value(at: [t, inputs[0].shape[1] - 1]) ?? .nan) }
                }
            },
            inDouble,
        ]
    }
}
