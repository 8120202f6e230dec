import Tensors

extension Linear {
    static let blocked = KernelCard(
        "W is packed in panels that fit the cache, tiles of outputs are summed in registers; no sum is ever split.",
        order: "one chain of fused multiply-adds an output, i ascending",
        rounding: "nowhere: the reference's bits, for any tiles and threads",
        source: "Goto and van de Geijn 2008, Anatomy of High-Performance Matrix Multiplication")
    static let blas = KernelCard(
        "The library's sgemm; a weight that is not fp32 is upcast into a copy first.",
        order: "the library's own: blocks of i, lanes within them",
        rounding: "the order of the sum, which depends on the library and the processor", source: "OpenBLAS; Dongarra et al. 1990")
    static let bf16dot = KernelCard(
        "x and W rounded to bf16, two products an instruction, sums in fp32.",
        order: "pairs i, i + 1: first the odd product, then the even one",
        rounding: "inputs have 8 digits; what is below 2⁻¹²⁶ is 0", source: "VDPBF16PS, Intel SDM volume 2")
    static let bf16tile = KernelCard(
        "x and W rounded to bf16, 16 × 16 outputs over 32 inputs an instruction, sums in fp32.",
        order: "of each 32 inputs a chain over the even ones and one over the odd ones, added; these sums in a chain",
        rounding: "inputs have 8 digits; short chains; what is below 2⁻¹²⁶ is 0", source: "TDPBF16PS (AMX), Intel SDM volume 2")

    package var variants: [Kernel] {
        [
            ordered("naive", .naive, Linear.naive), ordered("reversed", .reversed, Linear.reversed),
            ordered("pairwise", .pairwise, Linear.pairwise), ordered("kahan", .kahan, Linear.kahan),
            ordered("split-k", .splitK, Linear.splitK), int8dot, inDouble,
        ]
    }

    private static let naive = KernelCard(
        "The three loops, each product rounded before it is added.", order: "s ← s + (x[i] · w[i]), i ascending, two roundings a term",
        rounding: "products are rounded, too; about √K more than a blocked sum", source: "Higham 2002, section 3.1")
    private static let reversed = KernelCard(
        "The same chain from the other end.", order: "one chain of fused multiply-adds, i descending",
        rounding: "other bits of the same size of error: what an order alone is worth", source: "Higham 2002, section 4.2")
    private static let pairwise = KernelCard(
        "Chains of sixteen, added two by two, and those sums two by two again.", order: "a balanced tree over leaves of 16",
        rounding: "the bound grows with log₂(K/16) + 16 in the place of K", source: "Higham 1993, The accuracy of floating point summation")
    private static let kahan = KernelCard(
        "What each addition lost is kept and taken off the next product.", order: "t = s + (p − c), c = (t − s) − (p − c), s = t",
        rounding: "the sum is as good as exact, the products are rounded once",
        source: "Kahan 1965, Further remarks on reducing truncation errors"
    )
    private static let splitK = KernelCard(
        "K is cut into quarters that can be summed apart, as GPUs do where there are few outputs.",
        order: "four chains, then (s₀ + s₁) + (s₂ + s₃)", rounding: "the order of the sum",
        source: "NVIDIA CUTLASS, split-K; Osama et al. 2023, arXiv:2301.03598")
    private static let int8 = KernelCard(
        "Both sides in blocks of 32 integers with a scale in fp16 (Q8_0); integers are multiplied and added exactly.",
        order: "Σ over blocks of dₓ·d_w·Σ qₓ·q_w, blocks ascending in fp32; q = round(127·x / max|x|)",
        rounding: "inputs have at most 8 bits, relative to the largest of their block",
        source: "ggml, ggml_vec_dot_q8_0_q8_0 and quantize_row_q8_0")

    private func ordered(_ name: String, _ order: SumOrder, _ card: KernelCard) -> Kernel {
        Kernel(name, card) { inputs, shape, threads in
            try Kernels.orderedMatmul(
                order, inputs[0], inputs[1], bias: inputs.count == 3 ? inputs[2] : nil, transposed: transposed, shape: shape,
                threads: threads)
        }
    }

    private var int8dot: Kernel {
        var kernel = Kernel("int8dot", Linear.int8) { inputs, shape, threads in
            try Kernels.q8Matmul(
                inputs[0], inputs[1], bias: inputs.count == 3 ? inputs[2] : nil, transposed: transposed, shape: shape, threads: threads)
        }
        kernel.inputs = .int8
        return kernel
    }
}
