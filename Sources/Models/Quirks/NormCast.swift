import Engine
import Tensors

extension Quirk {
    static let normCast = Quirk(
        name: "norm-cast-early", title: "norms round the normalised row before the weight, as Llama's",
        story: """
            Gemma's RMSNorm does everything in fp32, the product with 1 + w included, and rounds once at the end. The first ports took Llama's, \
            which rounds the normalised row and multiplies it then. On, x̂ is rounded to bf16 before the weight, whatever the run is in.
            """,
        source: "unsloth.ai/blog/gemma-bugs, finding 4; huggingface/transformers pull request 29402",
        first: "model.layers.0.input_layernorm", applies: of("Gemma", "Gemma-2"),
        change: .ops { op, _ in (op as? RMSNorm)?.castEarly })
}

extension RMSNorm {
    var castEarly: RMSNorm { RMSNorm(epsilon: epsilon, plusOne: plusOne, castsFirst: true, cast: .bf16) }
}
