import Tensors

/// How each op is computed and rounded, by name pattern; the last rule that matches wins. The only place that knows precision, and the
/// stepper is its only reader.
package struct Policy: Sendable {
    package struct Rule: Sendable, Hashable {
        package let pattern: NamePattern
        /// The format to which the value is rounded; nil leaves the earlier rule's.
        package let format: NumberFormat?
        package let kernel: String?

        package init(pattern: NamePattern, format: NumberFormat? = nil, kernel: String? = nil) {
            self.pattern = pattern
            self.format = format
            self.kernel = kernel
        }
    }

    package var rules: [Rule] = []
    /// How many threads may work on one op. Values do not depend on it.
    package var threads: Int

    package init(rules: [Rule] = [], threads: Int = 2) {
        self.rules = rules
        self.threads = max(1, threads)
    }

    /// What the rules say of a value, resolved once when a program is taken up.
    package func choice(for name: String, op: any Op) -> Choice {
        var choice = Choice(format: .fp32, kernel: op.kernels.first)
        for rule in rules where rule.pattern.matches(name) {
            if let format = rule.format { choice.format = format }
            if let kernel = rule.kernel { choice.kernel = op.kernels.first { $0.name == kernel } }
        }
        return choice
    }

    package struct Choice: Sendable {
        package var format: NumberFormat
        /// Nil: the reference kernel.
        package var kernel: Kernel?

        package var kernelName: String { kernel?.name ?? "reference" }
    }
}
