import Engine
import Models
import Testing

/// Steps that are one where nothing is kept, in whole models: the logits are those of a run that keeps everything.
struct JointStepTests {
    private static let tiles = "\n@linear kernel bf16tile\n@attention-scores kernel bf16tile\n@attention-context kernel bf16tile"

    @Test(arguments: Sample.allCases, ["", "* bf16" + tiles, "* fp16" + tiles, "* bf16\n@attention-scores kernel bf16tile"])
    func keepingNothingChangesNoBit(_ sample: Sample, rules: String) throws {
        let model = try sample.model()
        let ids = (0..<40).map { ($0 * 37 + 11) % model.settings.vocabulary }
        func logits(_ keep: Recording.Keep) throws -> (bits: [UInt32], made: Int) {
            var stepper = try model.stepper(ids: ids, policy: Policy(rules: Policy.rules(from: rules)), keep: keep)
            var made = 0
            while !stepper.isFinished {
                let id = try stepper.step()
                if stepper.recording.tensors[id] != nil { made += 1 }
            }
            let id = try #require(stepper.program.id(of: "logits"))
            return (try #require(try stepper.tensor(id)).floats().map(\.bitPattern), made)
        }
        let (kept, plain) = (try logits(.all(budget: .max)), try logits(.nothing))
        #expect(kept.bits == plain.bits)
        // A gate a layer is left out, and where the tiles are, scores and probabilities.
        let layers = try model.program(Pass(tokens: ids.count)).layerCount
        let gates = sample == .gpt2 ? 0 : layers
        #expect(kept.made - plain.made == gates + (rules.contains("context") ? 2 * layers : 0))
    }
}
