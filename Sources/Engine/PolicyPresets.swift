import Tensors

extension Policy {
    /// Policies with a name. What they say is written in the form of a policy file.
    package enum Preset: String, CaseIterable, Sendable {
        case fp64, fp32, tf32, bf16, fp16
        case autocastBF16 = "autocast-bf16"
        case autocastFP16 = "autocast-fp16"
        case mixed

        /// One line for help.
        package var sentence: String {
            switch self {
            case .fp64: "everything by the formulas in double precision"
            case .fp32: "single precision"
            case .tf32: "products read 10 digits of their inputs, everything else is fp32"
            case .bf16: "as PyTorch runs a model after .to(torch.bfloat16)"
            case .fp16: "as PyTorch runs a model after .to(torch.float16)"
            case .autocastBF16: "fp32 weights and residuals, products in bf16, as torch.autocast"
            case .autocastFP16: "fp32 weights and residuals, products in fp16, as torch.autocast"
            case .mixed: "weights, products and activations in bf16; residuals, norms, softmax and logits in fp32"
            }
        }

        package var text: String {
            switch self {
            case .fp64: "* fp64"
            case .fp32: ""
            case .tf32: "@products inputs tf32"
            case .bf16: Preset.whole("bf16") + Preset.products
            case .fp16: Preset.whole("fp16")
            case .autocastBF16: Preset.autocast("bf16")
            case .autocastFP16: Preset.autocast("fp16")
            case .mixed: Preset.whole("bf16") + "\n@embedding fp32\n@add fp32\n@RMSNorm fp32\n@LayerNorm fp32\n@softmax fp32\nlogits fp32"
            }
        }

        /// By the processor's own products of bf16 numbers, if it has any.
        private static var products: String {
            if Kernels.hasBF16Tile {
                return ["linear", "attention-scores", "attention-context"].map { "\n@\($0) kernel bf16tile" }.joined()
            }
            return Kernels.hasBF16Dot ? "\n@linear kernel bf16dot" : ""
        }

        package var rules: [Rule] { (try? Policy.rules(from: text)) ?? [] }

        /// Everything narrow but what the architectures' own code computes in fp32 and keeps so: frequencies and the loss.
        private static func whole(_ format: String) -> String {
            """
            * \(format)
            @RoPE-frequencies fp32
            @cross-entropy fp32
            @head-and-loss fp32
            @loss-column fp32
            @mean-loss fp32
            """
        }

        /// PyTorch's lists: products are narrow, and so is what follows them element by element; what meets an fp32 value is fp32.
        private static func autocast(_ format: String) -> String {
            """
            @products \(format), inputs \(format)
            @activation \(format)
            @multiply \(format)
            """
        }
    }

    private static let known = Preset.allCases.map { (name: $0.rawValue, rules: $0.rules) }

    private static func preset(of rules: [Rule]) -> String? { known.first { $0.rules == rules }?.name }

    /// Of `* FORMAT` alone.
    private static func format(of rules: [Rule]) -> NumberFormat? {
        guard rules.count == 1, let format = rules[0].format, rules == [Rule(.names(NamePattern("*")), format: format)] else { return nil }
        return format
    }

    private static func name(of rules: [Rule]) -> String? { preset(of: rules) ?? format(of: rules)?.description }

    var presetName: String? { Policy.preset(of: rules) }

    /// The preset's name, or the format of everything, or how many rules of a file; behind ≠ how many rules were added live, or which preset was.
    package var title: String {
        let own = Policy.name(of: rules) ?? "\(rules.count) rule\(rules.count == 1 ? "" : "s")"
        return live.isEmpty ? own : "\(own) ≠\(Policy.name(of: live) ?? String(live.count))"
    }

    package init(_ preset: Preset, threads: Int = 2) { self.init(rules: preset.rules, threads: threads) }
}
