import RealModule
import Tensors

extension Activation {
    static let simd = KernelCard(
        "Sixteen numbers at a time; exp, tanh and erf by polynomials.", order: "the formula, its branches by masks",
        rounding: "exp, tanh and erf are each within 2 ulp of the truth, the library's within 1",
        source: "minimax fits in the manner of N. Juffa and of Cephes")

    package var variants: [Kernel] { [otherForm] + (isGated ? [table] : []) + meanings + [inDouble] }

    /// Functions that gates of MLPs use.
    private var isGated: Bool { [.silu, .geluTanh, .geluNew, .geluErf, .geluQuick].contains(function) }

    /// The same function written otherwise.
    private var otherForm: Kernel {
        switch function {
        case .silu: form("tanh-form", "σ(x) = ½(1 + tanh(x/2))", "x/2 · (1 + tanh(x/2))") { $0 / 2 * (1 + Float.tanh($0 / 2)) }
        case .sigmoid: form("tanh-form", "σ(x) = ½(1 + tanh(x/2))", "½(1 + tanh(x/2))") { (1 + Float.tanh($0 / 2)) / 2 }
        case .geluQuick:
            form("tanh-form", "σ(x) = ½(1 + tanh(x/2))", "x/2 · (1 + tanh(0.851x))") { $0 / 2 * (1 + Float.tanh(0.851 * $0)) }
        case .geluTanh, .geluNew:
            form("sigmoid-form", "½(1 + tanh u) = σ(2u), without a difference of nearly equal numbers", "x / (1 + exp(−2u))") { x in
                x / (1 + Float.exp(-2 * 0.797884560802865355879892 * (x + 0.044715 * x * x * x)))
            }
        case .geluErf:
            form("erfc-form", "1 + erf(z) = erfc(−z), without a difference of nearly equal numbers", "x/2 · erfc(−x/√2)") {
                $0 / 2 * Float.erfc($0 * -0.707106781186547524400844)
            }
        case .relu: form("absolute-form", "max(x, 0) = (x + |x|)/2", "½x + ½|x|") { 0.5 * $0 + 0.5 * abs($0) }
        case .reluSquared: form("product-form", "x times its positive part", "x · max(x, 0)") { $0 * max($0, 0) }
        case .exp: form("base-2", "eˣ = 2^(x·log₂e), as hardware has it", "2^(x·log₂e)") { Float.exp2($0 * 1.44269504) }
        case .tanh: form("exp-form", "tanh x = 1 − 2/(e²ˣ + 1)", "1 − 2/(exp(2x) + 1)") { 1 - 2 / (Float.exp(2 * $0) + 1) }
        }
    }

    private func form(_ name: String, _ sentence: String, _ order: String, _ f: @escaping @Sendable (Float) -> Float) -> Kernel {
        let card = KernelCard(
            "The same function by another identity: \(sentence).", order: order,
            rounding: "of its own intermediate results; in 16 bits none of them is rounded",
            source: "identities of the exponential and error functions: DLMF, chapters 4 and 7")
        return Kernel(plain: name, card) { inputs, _ in inputs[0].map(f) }
    }

    /// One entry for each fp16 number, as ggml has for GELU.
    private var table: Kernel {
        let card = KernelCard(
            "Looked up: x rounded to fp16, f(x) rounded to fp16.", order: "table[fp16(x)], 65536 entries",
            rounding: "x and f(x) have 11 digits", source: "ggml, ggml_table_gelu_f16", fails: "|x| > 65504 is Inf in fp16")
        return Kernel(plain: "table", card, inputs: .fp16) { inputs, _ in
            inputs[0].map { x in
                let value: Float = Activation.value(function, Float(NumberFormat.fp16.nearest(Double(x))))
                return Float(NumberFormat.fp16.nearest(Double(value)))
            }
        }
    }

    /// The other functions that go by the name of GELU.
    private var meanings: [Kernel] {
        let all: [(name: String, function: ElementFunction, order: String)] = [
            ("gelu-exact", .geluErf, "x·Φ(x) = x/2 · (1 + erf(x/√2))"),
            ("gelu-tanh", .geluTanh, "x/2 · (1 + tanh(√(2/π)(x + 0.044715x³)))"), ("gelu-quick", .geluQuick, "x·σ(1.702x)"),
        ]
        let own = function == .geluNew ? ElementFunction.geluTanh : function
        guard all.contains(where: { $0.function == own }) else { return [] }
        return all.filter { $0.function != own }.map { name, function, order in
            let card = KernelCard(
                "Another meaning: another function under the name GELU.", order: order,
                rounding: "the functions themselves differ: exact and tanh form by at most 4.7e-4, exact and quick by 0.021",
                source: "Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2")
            return Kernel(name, card, meaning: Activation(function))
        }
    }

    package func backwardCard(_ input: Int) -> KernelCard? {
        let isChain = function == .geluNew || function == .geluQuick
        return KernelCard(
            "Sixteen numbers at a time; exp, tanh and erf by polynomials.", order: "dY · f′(x), its branches by masks",
            rounding: "exp, tanh and erf are each within 2 ulp of the truth"
                + (isChain ? "; in 16 bits each step of the chain is rounded, as autograd walks it back" : ""),
            source: "minimax fits in the manner of N. Juffa and of Cephes" + (isChain ? "; the roundings are PyTorch's on a CPU" : ""))
    }
}

extension Multiply {
    package var variants: [Kernel] { [Kernel("fused", Multiply.fused, fusion: GatedProduct.fusion), inDouble] }

    private static let fused = KernelCard(
        "Activation and product in one pass: SwiGLU or GEGLU; reads the gate before its activation.", order: "f(gate) · up",
        rounding: "in 16 bits f(gate) is not rounded before the product",
        source: "Shazeer 2020, arXiv:2002.05202; Liger Kernel: Hsu et al. 2024, arXiv:2410.10989")
}
