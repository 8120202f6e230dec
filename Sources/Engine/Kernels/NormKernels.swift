import Tensors

extension RMSNorm {
    static let simd = KernelCard(
        "A pass for the sum of squares, one for the products.", order: "Σ x² in fp64 lanes and one fixed tree; w · (x · r)",
        rounding: "r is as good as exact", source: "Zhang and Sennrich 2019, arXiv:1910.07467", sums: .fp64)

    package var variants: [Kernel] {
        [
            sums("pairwise", RMSNorm.pairwise) { Sums.pairwise($0[...]) },
            sums("kahan", RMSNorm.kahan) { Sums.kahan($0) },
            Kernel("fused-add", RMSNorm.fusedAdd, fusion: AddNorm.fusion),
            castsFirst
                ? Kernel("as-gemma", RMSNorm.asGemma, meaning: casting(first: false))
                : Kernel("as-llama", RMSNorm.asLlama, meaning: casting(first: true)),
            inDouble,
        ]
    }

    private static let pairwise = KernelCard(
        "Squares added two by two in fp32.", order: "Σ x² by a balanced tree; w · (x · r)", rounding: "the order of the sum",
        source: "Higham 1993, The accuracy of floating point summation")
    private static let kahan = KernelCard(
        "Squares added in fp32, what each addition lost taken off the next.", order: "Σ x² ascending, compensated; w · (x · r)",
        rounding: "squares are rounded, their sum is as good as exact", source: "Kahan 1965, Further remarks on reducing truncation errors")
    private static let fusedAdd = KernelCard(
        "Residual add and norm in one: reads both summands, the sum stays in registers.", order: "x = a + b; Σ x² in fp64; w · (x · r)",
        rounding: "in 16 bits a + b is not rounded before the norm",
        source: "vLLM, fused_add_rms_norm; Liger Kernel: Hsu et al. 2024, arXiv:2410.10989", sums: .fp64)
    private static let asGemma = KernelCard(
        "Another meaning: everything in fp32, the weight included, one rounding at the end.", order: "round(w · x · r)",
        rounding: "in 16 bits x̂ is not rounded before the weight; in fp32 the same bits",
        source: "Gemma: google/gemma_pytorch, gemma/model.py, RMSNorm")
    private static let asLlama = KernelCard(
        "Another meaning: x̂ is rounded before the weight.", order: "round(w · round(x · r))",
        rounding: "in 16 bits one rounding more; in fp32 the same bits", source: "Llama: huggingface/transformers, LlamaRMSNorm")

    private func casting(first: Bool) -> RMSNorm { RMSNorm(epsilon: epsilon, plusOne: plusOne, castsFirst: first, cast: cast) }

    private func sums(_ name: String, _ card: KernelCard, _ sum: @escaping @Sendable ([Float]) -> Float) -> Kernel {
        Kernel(plain: name, card) { inputs, rounding in
            let (w, part) = (inputs[1].values.map { plusOne ? 1 + $0 : $0 }, Rounding(format: inner(rounding)))
            return inputs[0].mapRows { _, x in
                let scale = 1 / (sum(x.map { $0 * $0 }) / Float(x.count) + Float(epsilon)).squareRoot()
                return zip(x, w).map { $1 * part($0 * scale) }
            }
        }
    }

    package func backwardCard(_ input: Int) -> KernelCard? { input == 0 ? inputGradient : weightGradient }

    private var inputGradient: KernelCard {
        KernelCard(
            "A pass for r, one for the sum of g·x, one for the products; everything in fp64.",
            order: "r · (g − x · r²·mean(g·x)), sums in fp64 lanes and one fixed tree",
            rounding: castsFirst ? "one, at the end; in 16 bits g = dY·w before it" : "one, at the end",
            source: "Zhang and Sennrich 2019, arXiv:1910.07467, section 4; the roundings are autograd's", sums: .fp64)
    }

    private var weightGradient: KernelCard {
        KernelCard(
            "Each row's r, then sixteen columns at a time down the rows.", order: "Σₜ dY · (x · r) in fp64, tokens ascending",
            rounding: castsFirst ? "one, at the end; in 16 bits x̂ and dY·x̂ before it" : "one, at the end",
            source: "Zhang and Sennrich 2019, arXiv:1910.07467, section 4; the roundings are autograd's", sums: .fp64)
    }
}

extension LayerNorm {
    static let simd = KernelCard(
        "A pass for the mean, one for the squared distances, one for the products.", order: "Σ in fp64 lanes and one fixed tree",
        rounding: "mean and scale are as good as exact", source: "Ba, Kiros and Hinton 2016, arXiv:1607.06450", sums: .fp64)

    package var variants: [Kernel] {
        guard centres else { return [plain("pairwise", LayerNorm.pairwise, LayerNorm.uncentred), inDouble] }
        return [
            plain("one-pass", LayerNorm.onePass, LayerNorm.difference), plain("welford", LayerNorm.welford, LayerNorm.running),
            plain("pairwise", LayerNorm.pairwise, LayerNorm.tree), inDouble,
        ]
    }

    private static let onePass = KernelCard(
        "Sum and sum of squares in one pass.", order: "σ² = mean(x²) − μ²",
        rounding: "the difference cancels: σ² is off by some (μ/σ)²·2⁻²⁴ of itself",
        source: "Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance",
        fails: "digits are lost where |μ| ≫ σ; none are left where |μ|/σ > 2¹²")
    private static let welford = KernelCard(
        "Mean and squared distances kept up to date, one pass.", order: "δ = x − μ, μ ← μ + δ/n, M ← M + δ·(x − μ)",
        rounding: "a division an element; no cancellation",
        source: "Welford 1962, Note on a method for calculating corrected sums of squares")
    private static let pairwise = KernelCard(
        "Sums in fp32 by a balanced tree.", order: "Σ two by two", rounding: "the order of the sums",
        source: "Higham 1993, The accuracy of floating point summation")

    private typealias Moments = @Sendable ([Float]) -> (mean: Float, variance: Float)

    private static let difference: Moments = { x in
        let mean = x.reduce(0, +) / Float(x.count)
        return (mean, max(x.reduce(0) { $0 + $1 * $1 } / Float(x.count) - mean * mean, 0))
    }

    private static let running: Moments = { x in
        var (mean, squares): (Float, Float) = (0, 0)
        for (i, x) in x.enumerated() {
            let distance = x - mean
            mean += distance / Float(i + 1)
            squares += distance * (x - mean)
        }
        return (mean, squares / Float(x.count))
    }

    private static let tree: Moments = { x in
        let mean = Sums.pairwise(x[...]) / Float(x.count)
        return (mean, Sums.pairwise(x.map { ($0 - mean) * ($0 - mean) }[...]) / Float(x.count))
    }

    private static let uncentred: Moments = { x in (0, Sums.pairwise(x.map { $0 * $0 }[...]) / Float(x.count)) }

    private func plain(_ name: String, _ card: KernelCard, _ moments: @escaping Moments) -> Kernel {
        Kernel(plain: name, card) { inputs, _ in
            let (w, b) = (inputs[1].values, inputs[2].values)
            return inputs[0].mapRows { _, x in
                let (mean, variance) = moments(Array(x))
                let scale = 1 / (variance + Float(epsilon)).squareRoot()
                return zip(x, zip(w, b)).map { $1.0 * (($0 - mean) * scale) + $1.1 }
            }
        }
    }

    package func backwardCard(_ input: Int) -> KernelCard? {
        [LayerNorm.inputGradient, LayerNorm.weightGradient, LayerNorm.biasGradient][input]
    }

    private static let inputGradient = KernelCard(
        "A pass for μ, one for r, one for the sums of g and g·(x − μ), one for the products; everything in fp64.",
        order: "r · (g − mean g − x̂ · mean(g·x̂)), sums in fp64 lanes and one fixed tree",
        rounding: "one, at the end; in 16 bits μ and r before it", source: "PyTorch, layer_norm_backward on a CPU", sums: .fp64)
    private static let weightGradient = KernelCard(
        "Each row's μ and r, then sixteen columns at a time down the rows.", order: "Σₜ dY · x̂ in fp64, tokens ascending",
        rounding: "one, at the end; in 16 bits μ, r, and the sum after each row", source: "PyTorch, layer_norm_backward on a CPU",
        sums: .fp64)
    private static let biasGradient = KernelCard(
        "Sixteen columns at a time down the rows.", order: "Σₜ dY in fp64, tokens ascending",
        rounding: "one, at the end; in 16 bits the sum after each row", source: "PyTorch, layer_norm_backward on a CPU", sums: .fp64)
}

extension FrozenNorm {
    package var variants: [Kernel] {
        [
            Kernel(plain: "folded", FrozenNorm.folded) { inputs, _ in
                let w = inputs[1].values.map { plusOne ? 1 + $0 : $0 }
                let b = inputs.count > 2 ? inputs[2].values : w.map { _ in 0 }
                return inputs[0].mapRows { number, x in
                    let mean = isCentred ? x.reduce(0, +) / Float(x.count) : 0
                    let scale = Float(scales.indices.contains(number) ? scales[number] : .nan)
                    return zip(x, zip(w, b)).map { $1.1.addingProduct($0 - mean, $1.0 * scale) }
                }
            },
            inDouble,
        ]
    }

    private static let folded = KernelCard(
        "Scale and weight are multiplied first.", order: "fma(x − μ, w·r, b)",
        rounding: "w·r is rounded in the place of x̂; the last product and sum once",
        source: "constant folding, as compilers of inference graphs do")
}

/// Sums of fp32 numbers in other orders than one after the other.
enum Sums {
    /// A balanced tree.
    static func pairwise(_ x: ArraySlice<Float>) -> Float {
        guard x.count > 2 else { return x.reduce(0, +) }
        let middle = x.startIndex + x.count / 2
        return pairwise(x[..<middle]) + pairwise(x[middle...])
    }

    /// What each addition lost is taken off the next number.
    static func kahan(_ x: [Float]) -> Float {
        var (sum, lost): (Float, Float) = (0, 0)
        for x in x {
            let term = x - lost
            let next = sum + term
            lost = (next - sum) - term
            sum = next
        }
        return sum
    }
}
