import Engine
import Models
import Tensors
import Testing

/// Edits against hooks in transformers 5 (Golden/make_edits.py prints these numbers): the loss, and the norm of the gradient of a weight
/// before most of the edits.
struct EditGoldenTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let sample: Sample
        /// `L` stands for the layers' path.
        let lines: [String]
        let loss: Double
        let norm: Double
        var testDescription: String { "\(sample.rawValue): \(lines.joined(separator: "; "))" }
    }

    private static let three = ["knock-out L3H5", "zero L.2.mlp[token 4]", "scale L.1 by 2"]

    static let cases: [Case] = [
        Case(sample: .llama, lines: [], loss: 1.598806619644165, norm: 0.2830025255680084),
        Case(sample: .llama, lines: ["knock-out L3H5"], loss: 1.601441740989685, norm: 0.2922579348087311),
        Case(sample: .llama, lines: ["zero L.2.mlp[token 4]"], loss: 1.6019595861434937, norm: 0.2848329246044159),
        Case(sample: .llama, lines: ["scale L.1 by 2"], loss: 1.551290512084961, norm: 1.0434000492095947),
        Case(sample: .llama, lines: ["mask L2H3 hide key 4 query 9"], loss: 1.5987765789031982, norm: 0.2835402190685272),
        Case(sample: .llama, lines: ["scale L.5 by 2", "freeze model.norm"], loss: 1.6774109601974487, norm: 0.5847737193107605),
        Case(sample: .llama, lines: three, loss: 1.5543888807296753, norm: 1.1574453115463257),
        Case(sample: .gpt2, lines: [], loss: 1.6278760433197021, norm: 0.5412001609802246),
        Case(sample: .gpt2, lines: ["knock-out L3H5"], loss: 1.622775912284851, norm: 0.6028016209602356),
        Case(sample: .gpt2, lines: ["zero L.2.mlp[token 4]"], loss: 1.6927603483200073, norm: 0.7730473279953003),
        Case(sample: .gpt2, lines: ["scale L.1 by 2"], loss: 1.6256293058395386, norm: 6.455582141876221),
        Case(sample: .gpt2, lines: ["mask L2H3 hide key 4 query 9"], loss: 1.6279126405715942, norm: 0.5419073104858398),
        Case(sample: .gpt2, lines: ["scale L.5 by 2", "freeze transformer.ln_f"], loss: 1.8502017259597778, norm: 1.4059014320373535),
        Case(sample: .gpt2, lines: three, loss: 1.7884562015533447, norm: 7.645892143249512),
        Case(sample: .gemma2, lines: [], loss: 1.588883399963379, norm: 0.04950198903679848),
        Case(sample: .gemma2, lines: ["knock-out L3H5"], loss: 1.598132848739624, norm: 0.061795689165592194),
        Case(sample: .gemma2, lines: ["zero L.2.mlp[token 4]"], loss: 1.6292060613632202, norm: 0.06539183855056763),
        Case(sample: .gemma2, lines: ["scale L.1 by 2"], loss: 2.8851516246795654, norm: 2.014319896697998),
        Case(sample: .gemma2, lines: ["mask L2H3 hide key 4 query 9"], loss: 1.5888675451278687, norm: 0.0494859404861927),
        Case(sample: .gemma2, lines: ["scale L.5 by 2", "freeze model.norm"], loss: 1.6046934127807617, norm: 0.06847147643566132),
        Case(sample: .gemma2, lines: three, loss: 3.340343713760376, norm: 2.1161437034606934),
    ]

    @Test(arguments: cases) func transformersSaysTheSame(_ golden: Case) throws {
        let model = try golden.sample.model()
        let hasLlamaNames = golden.sample != .gpt2
        let weight = hasLlamaNames ? "model.layers.1.self_attn.v_proj.weight" : "transformer.h.1.attn.c_attn.weight"
        let edits = try golden.lines.map { try Edit($0.replacing(" L.", with: hasLlamaNames ? " model.layers." : " transformer.h.")) }
        var stepper = try model.stepper(
            ids: golden.sample.promptIDs(), leaves: { $0.name == weight }, edits: EditSet(edits), policy: Policy(), keep: .nothing)
        while !stepper.isFinished { try stepper.step() }
        let norm = try stepper.floats("grad:\(weight)").reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let loss = Double(try stepper.floats("loss")[0])
        #expect(abs(loss - golden.loss) < 2e-6 * golden.loss)
        #expect(abs(norm - golden.norm) < 1e-4 * golden.norm, "\(norm)")
    }
}
