import Tensors

/// Several steps that a pass of which nothing is kept does as one, with the bits that they have one by one: what lies between them is written
/// to memory for nobody. Whoever asks for it all the same gets it from its own step.
final class JointStep: Sendable {
    /// What a step, the last of several, may be done with, if its policy and theirs allow it.
    typealias Rule = @Sendable (Step, Program, (Step) -> Policy.Choice) -> Fusion?

    let fusion: Fusion
    /// How the last step is computed, by the kernel of them all.
    let choice: Policy.Choice
    let ready: ReadyKernel?

    private init(_ fusion: Fusion, _ choice: Policy.Choice, threads: Int) {
        (self.fusion, self.choice, ready) = (fusion, choice, ReadyKernel(fusion.op, choice, threads: threads))
    }

    private static let rules: [Rule] = [BlockwiseAttention.joint, GatedProduct.joint]

    /// By step, where it is the last of several.
    static func all(_ program: Program, _ choices: [Policy.Choice], threads: Int) -> [JointStep?] {
        func choice(_ step: Step) -> Policy.Choice { program.values[step.output].step.map { choices[$0] } ?? Policy.Choice() }
        return program.steps.enumerated().map { number, step in
            guard let fusion = rules.lazy.compactMap({ $0(step, program, choice) }).first, choices[number].storage(step.op) != nil else {
                return nil
            }
            var joint = choices[number]
            joint.kernel = fusion.op.kernels.first
            return JointStep(fusion, joint.resolved(), threads: threads)
        }
    }
}

extension Policy.Choice {
    /// How the op's value is rounded, if by the kernel alone and from inputs as they are.
    func storage(_ op: any Op) -> Rounding? {
        isByOwnKernel && (format == .fp32 || isRounded(op)) ? rounding : nil
    }

    /// Whether the op's own kernel reads what the op reads, as it is.
    var isByOwnKernel: Bool { inputs == nil && accumulation == nil && deputy == nil }

    func hasFirstKernel(of op: any Op) -> Bool { kernel != nil && kernelName == op.kernels.first?.name }
}
