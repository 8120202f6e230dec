import Engine
import Tensors

extension Quirk {
    static let windowIgnored = Quirk(
        name: "window-ignored", title: "layers with a sliding window see the whole text",
        story: """
            A program without windows runs such a model all the same, and nothing is wrong until the text is longer than the window. Then the \
            layers get keys that they have never seen in training. Gemma-2 began so in llama.cpp and vLLM; in transformers its windows were lost \
            once more in the refactoring of attention.
            """,
        source: "ggml-org/llama.cpp pull request 8227, 30 June 2024; huggingface/transformers pull request 35681, January 2025",
        first: "model.layers.0.self_attn.scores",
        applies: { $0.settings.windows.contains { $0 > 0 } }, change: .ops { op, _ in Quirk.masked(op) { $0.window = 0 } })

    /// The op with another window, if it has one.
    static func masked(_ op: any Op, _ change: (inout AttentionMask) -> Void) -> (any Op)? {
        func changed(_ mask: AttentionMask) -> AttentionMask? {
            var other = mask
            change(&other)
            return other == mask ? nil : other
        }
        switch op {
        case let op as AttentionScores: return changed(op.mask).map { op.with(mask: $0) }
        case let op as Softmax: return op.mask.flatMap(changed).map { Softmax(mask: $0, upcasts: op.upcasts) }
        case let op as AttentionContext: return changed(op.mask).map { AttentionContext(mask: $0) }
        default: return nil
        }
    }
}
