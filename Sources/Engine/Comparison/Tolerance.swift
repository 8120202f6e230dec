import Tensors

/// How far apart two values may be: a normalised mean squared error.
package struct Tolerance: Sendable, Hashable {
    /// For all; nil: by the formats of what was computed up to there.
    package var nmse: Double?

    package init(nmse: Double? = nil) { self.nmse = nmse }

    /// Of values of whole models, each of which has the errors of all before it: what transformers and ggml hold logits to in fp32, fp16 and
    /// bf16, and for what is narrower ggml's bound for a quantised model. Double precision: (10⁻¹²)².
    package func limit(of format: NumberFormat) -> Double {
        if let nmse { return nmse }
        switch format.block == nil ? format.mantissaBits : 0 {
        case 24...: return 1e-24
        case 23: return 1e-8
        case 10...: return 1e-5
        case 7...: return 1e-4
        default: return 1e-2
        }
    }

    /// The format with the wider bound.
    func coarser(_ one: NumberFormat, _ other: NumberFormat) -> NumberFormat {
        Tolerance().limit(of: one) >= Tolerance().limit(of: other) ? one : other
    }
}
