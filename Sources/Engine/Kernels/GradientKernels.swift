/// What is said of the kernels that give a matrix product's gradients.
extension Linear {
    package func backwardCard(_ input: Int) -> KernelCard? { [Linear.inputGradient, Linear.weightGradient, Linear.biasGradient][input] }

    private static let inputGradient = KernelCard(
        "The forward's kernel with W the other way round.", order: "one chain of fused multiply-adds an input, outputs ascending",
        rounding: "nowhere: the reference's bits, for any tiles and threads",
        source: "Goto and van de Geijn 2008, Anatomy of High-Performance Matrix Multiplication")
    private static let weightGradient = KernelCard(
        "Blocks of one side are turned into rows, tiles of weights are summed in registers; no sum is ever split.",
        order: "one chain of fused multiply-adds a weight, tokens ascending",
        rounding: "nowhere: the reference's bits, for any tiles and threads",
        source: "Goto and van de Geijn 2008, Anatomy of High-Performance Matrix Multiplication")
    private static let biasGradient = KernelCard(
        "Sixteen columns at a time down the rows.", order: "Σₜ dY in fp64, tokens ascending", rounding: "one, at the end",
        source: "the bias is added to every token", sums: .fp64)
}
