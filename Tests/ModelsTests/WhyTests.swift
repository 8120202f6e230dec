import Engine
import Models
import Tensors
import Testing

/// Thirteen planted faults, each named by op and element.
struct WhyTests {
    private static let ids = [1, 5, 36, 0, 7, 5, 22, 11, 30, 2, 17, 8]

    private static func tiny(_ name: String) throws -> Model { try TinyCheckpoint(try #require(Architecture.find(name))).model() }

    private static func find(_ run: Stepper, _ trusted: Stepper? = nil) throws -> (name: String, why: Why) {
        let why = try #require(try Why.find(in: run, trusted: trusted))
        return (run.program.values[why.value].name, why)
    }

    /// A program of a few ops with its inputs.
    private static func run(_ inputs: [(Shape, [Float])], _ build: (inout Graph, [Node]) -> Node) throws -> Stepper {
        var graph = Graph()
        let nodes = inputs.enumerated().map { graph.input("input \($0)", $1.0) }
        _ = build(&graph, nodes)
        let bindings = try Dictionary(uniqueKeysWithValues: zip(nodes, inputs).map { ($0.id, try Tensor($1.0, $1.1)) })
        var stepper = try Stepper(try Program(graph), policy: Policy(), keep: .all(budget: .max), bindings: bindings)
        _ = try stepper.run(to: .end)
        return stepper
    }

    /// A model with one weight's numbers changed in memory; the file keeps its own.
    private static func changed(_ model: Model, _ weight: String, _ change: (Int, Float) -> Float) throws -> Model {
        var other = model
        let tensor = try model.weight(weight)
        other.replacements[weight] = try Tensor(tensor.shape, tensor.floats().enumerated().map(change))
        return other
    }

    @Test(arguments: [("scores", "q_proj"), ("mlp.product", "up_proj")]) func overflows(_ part: String, _ weight: String) throws {
        let model = try WhyTests.tiny("llama")
        let name = "model.layers.1.\(weight == "q_proj" ? "self_attn" : "mlp").\(weight).weight"
        let large = try WhyTests.changed(model, name) { $1 * 60000 }
        let run = try large.run(WhyTests.ids, rules: Policy.rules(from: "*layers.1*\(part) fp16"))
        let found = try WhyTests.find(run)
        #expect(found.name.hasPrefix("model.layers.1.") && found.name.hasSuffix(part) && found.why.kind == .overflow, "\(found)")
        #expect(try run.tensor(found.why.value)?.value(at: found.why.index)?.isInfinite == true)
        #expect(found.why.sentences.contains { $0.contains("65504") } && found.why.sentences.count == 4)
    }

    /// A number that was set by hand is not blamed on the file.
    @Test(arguments: ["set model.layers.0.mlp.up_proj.weight[0, 1] = 1e30", "scale model.layers.0.mlp.up_proj.weight[0, 1] by 1e30"])
    func aWeightSetByHand(_ edit: String) throws {
        let model = try Self.tiny("llama")
        let edits = EditSet([try Edit(edit)])
        var run = try model.stepper(
            ids: [1, 2], edits: edits, policy: Policy(rules: Policy.rules(from: "* fp16")), keep: .all(budget: .max))
        while !run.isFinished { try run.step() }
        let (name, why) = try Self.find(run)
        #expect(name == "model.layers.0.mlp.up_proj.weight" && why.index == [0, 1])
        #expect(why.sentences.last?.hasSuffix("which was set by hand") == true, "\(why.sentences)")
    }

    /// Weights that a narrow format takes for zero are not told as if the file were damaged: the format is named.
    @Test func aWeightBelowItsFormat() throws {
        let model = try WhyTests.tiny("llama")
        let run = try model.run(WhyTests.ids, rules: Policy.rules(from: "* fp4e2m1"))
        let found = try WhyTests.find(run, try model.run(WhyTests.ids))
        #expect(found.name == "model.embed_tokens.weight" && found.why.kind == .given, "\(found)")
        #expect(found.why.sentences.last == "it is kept in fp4e2m1 and should be in fp32", "\(found)")
    }

    @Test func divisionByZeroInANorm() throws {
        let run = try WhyTests.run([(Shape((.token, 2), (.feature, 3)), [1, 2, 3, 0, 0, 0]), (Shape((.feature, 3)), [1, 1, 1])]) {
            graph, x in
            graph.apply(RMSNorm(epsilon: 0), x, as: "norm")
        }
        let found = try WhyTests.find(run)
        #expect(found.name == "norm" && found.why.index == [1, 0] && found.why.kind == .undefined)
        #expect(found.why.sentences.contains { $0.contains("1 over the root of 0") }, "\(found)")
    }

    @Test func fullyMaskedRow() throws {
        let run = try WhyTests.run([(Shape((.head, 1), (.query, 2), (.key, 2)), [0, 1, -.infinity, -.infinity])]) { graph, x in
            graph.apply(Softmax(), [x[0]], as: "probs")
        }
        let found = try WhyTests.find(run)
        #expect(
            found.name == "probs" && found.why.index == [0, 1, 0] && found.why.sentences.contains { $0.contains("hidden") }, "\(found)")
    }

    @Test func logarithmOfZero() throws {
        let run = try WhyTests.run([(Shape((.token, 1), (.feature, 3)), [0.5, 0, 0.5])]) { graph, x in
            graph.apply(Map(.log), [x[0]], as: "log probs")
        }
        let found = try WhyTests.find(run)
        #expect(found.name == "log probs" && found.why.index == [0, 1] && found.why.sentences.contains { $0.contains("logarithm of 0") })
    }

    /// The mean over the tokens that an expert got, of which there are none.
    @Test func expertWithNoToken() throws {
        let inputs = [(Shape((.token, 3)), [Float(1), 2, 3]), (Shape((.token, 3)), [-1, -1, -1])]
        let run = try WhyTests.run(inputs) { graph, x in graph.apply(Mean(), x, as: "expert.0.mean") }
        let found = try WhyTests.find(run)
        #expect(found.name == "expert.0.mean" && found.why.index == [0] && found.why.sentences.contains { $0.contains("0/0") }, "\(found)")
    }

    @Test func wrongRowInAGather() throws {
        let model = try WhyTests.tiny("llama")
        let trusted = try model.run(WhyTests.ids)
        var graph = Graph()
        let ids = graph.input("input_ids", Shape((.token, 12)))
        let table = graph.weight("model.embed_tokens.weight", Shape((.vocabulary, 37), (.feature, 24)))
        graph.apply(ShiftedEmbedding(at: 4), [ids, table], as: "model.embed_tokens")
        let program = try Program(graph)
        let bindings = [ids.id: try Tensor(ids: WhyTests.ids.map(Int32.init)), table.id: try model.weight("model.embed_tokens.weight")]
        var run = try Stepper(program, policy: Policy(), keep: .all(budget: .max), bindings: bindings)
        _ = try run.run(to: .end)
        let found = try WhyTests.find(run, trusted)
        #expect(found.name == "model.embed_tokens" && found.why.index[0] == 4 && found.why.kind == .wrong)
        #expect(found.why.sentences.contains { $0.contains("it is row 8") && $0.contains("the id is 7") }, "\(found)")
    }

    @Test func corruptedWeightBlock() throws {
        let model = try WhyTests.tiny("llama")
        let name = "model.layers.1.mlp.gate_proj.weight"
        let corrupted = try WhyTests.changed(model, name) { (96..<160).contains($0) ? -$1 : $1 }
        let found = try WhyTests.find(corrupted.run(WhyTests.ids), model.run(WhyTests.ids))
        #expect(found.name == name && found.why.kind == .given)
        #expect(found.why.sentences.contains { $0.contains("64 of its 960 elements") && $0.contains("from [4, 0] to [6, 15]") }, "\(found)")
    }

    @Test func denormalsFlushed() throws {
        let model = try WhyTests.tiny("llama")
        let small = try WhyTests.changed(model, "model.layers.1.mlp.up_proj.weight") { $1 * 1e-4 }
        let rules = "* fp16"
        let trusted = try small.run(WhyTests.ids, rules: Policy.rules(from: rules))
        let run = try small.run(WhyTests.ids, rules: Policy.rules(from: rules + "\n*layers.1.mlp.product fp16 flush"))
        let found = try WhyTests.find(run, trusted)
        #expect(
            found.name == "model.layers.1.mlp.product" && found.why.sentences.contains { $0.contains("smallest normal number") }, "\(found)"
        )
        #expect(try run.tensor(found.why.value)?.value(at: found.why.index) == 0)
    }

    @Test(arguments: [("llama", "rope-tables-bf16", "model.rotary_emb.cos"), ("gemma2", "caps-missing", "model.layers.0.self_attn.scores")])
    func publishedBugs(_ architecture: String, _ quirk: String, _ name: String) throws {
        let model = try WhyTests.tiny(architecture)
        let found = try WhyTests.find(model.with(quirks: [quirk]).run(WhyTests.ids), model.run(WhyTests.ids))
        #expect(found.name == name && found.why.kind == .wrong && found.why.index.count > 1)
        let words = quirk == "caps-missing" ? "its soft cap is none and should be 2.5" : "its table format is bf16 and should be fp32"
        #expect(found.why.sentences.contains { $0.contains(words) }, "\(found)")
    }

    /// Six layers, of which the fourth adds far too much.
    private static func exploding(_ factor: Float) throws -> (tiny: TinyCheckpoint, model: Model) {
        var tiny = try TinyCheckpoint(try #require(Architecture.find("llama")))
        tiny.config["num_hidden_layers"] = "6"
        let program = try TinyCheckpoint.reading(tiny.config).program(Pass(tokens: 5))
        for id in program.weights { tiny.tensors[program.values[id].name] = program.values[id].shape.counts }
        return (tiny, try WhyTests.changed(tiny.model(), "model.layers.3.mlp.down_proj.weight") { $1 * factor })
    }

    /// In fp16 the stream may grow, the product overflow, or the weight itself be too large: each is named, with the op and an element.
    @Test(arguments: [(300, Why.Kind.growth), (60000, .overflow), (1e7, .overflow)] as [(Float, Why.Kind)])
    func explodingResidualInFP16(_ factor: Float, _ kind: Why.Kind) throws {
        let run = try WhyTests.exploding(factor).model.run(WhyTests.ids, rules: Policy.Preset.fp16.rules)
        let found = try WhyTests.find(run, run)
        #expect(found.name == "model.layers.3.mlp.down_proj" + (factor == 1e7 ? ".weight" : "") && found.why.kind == kind, "\(found)")
        #expect(found.why.sentences.contains { $0.contains("model.layers.3.mlp.down_proj [\(found.why.index[0]), ") } || kind == .growth)
        let value = try #require(try run.tensor(found.why.value)?.value(at: found.why.index))
        #expect(value.isFinite == (kind == .growth))
        // By how much the weight is too large; of one that overflows nothing else could be known.
        let words = kind == .growth ? "norm is " : "down_proj.weight is \(factor == 1e7 ? "1" : "6")"
        #expect(found.why.sentences.contains { $0.contains(words) && $0.contains("other layers") }, "\(found)")
    }

    @Test func explodingResidual() throws {
        let (tiny, model) = try WhyTests.exploding(300)
        let run = try model.run(WhyTests.ids)
        let found = try WhyTests.find(run, run)
        #expect(found.name == "model.layers.3.mlp.down_proj" && found.why.kind == .growth, "\(found)")
        let value = try #require(try run.tensor(found.why.value))
        #expect(abs(value.value(at: found.why.index) ?? 0) == value.doubles().map(abs).max())
        #expect(try Why.find(in: tiny.model().run(WhyTests.ids)) == nil)
    }

    /// Of a row that one token alone uses: the forward and, from the loss, the gradients go back to it.
    @Test(arguments: [false, true]) func nanInAnEmbeddingRow(_ backward: Bool) throws {
        let model = try WhyTests.tiny("llama")
        let name = "model.embed_tokens.weight"
        let broken = try WhyTests.changed(model, name) { $0 == 22 * 24 + 3 ? .nan : $1 }
        let found = try WhyTests.find(broken.run(WhyTests.ids, backward: backward), model.run(WhyTests.ids))
        #expect(found.name == name && found.why.index == [22, 3] && found.why.kind == .given)
        #expect(found.why.sentences[0].contains("model.embed_tokens [6, 3]"), "\(found)")
        // Nobody reads the row: nothing is wrong.
        #expect(try Why.find(in: broken.run([1, 5, 36])) == nil)
    }

    /// What is finite forward may overflow backward.
    @Test func overflowInTheReverseWalk() throws {
        let model = try WhyTests.tiny("llama")
        let run = try model.run(WhyTests.ids, rules: Policy.rules(from: "grad:model.layers.1.mlp.product fp8e5m2"), backward: true)
        #expect(try Why.find(in: run) == nil)
        // The values are as they were; the slope of one of them is a million times as steep.
        let small = try WhyTests.changed(model, "model.layers.1.mlp.up_proj.weight") { $1 * 1e-7 }
        let large = try WhyTests.changed(small, "model.layers.1.mlp.down_proj.weight") { $1 * 1e7 }
        let found = try WhyTests.find(
            large.run(WhyTests.ids, rules: Policy.rules(from: "grad:model.layers.1.mlp.product* fp16"), backward: true))
        #expect(found.name.hasPrefix("grad:model.layers.1.mlp.product") && found.why.kind == .overflow, "\(found)")
    }

    @Test func nothingIsWrongWithACleanRun() throws {
        for name in ["llama", "gpt2", "gemma", "gemma2"] {
            let run = try WhyTests.tiny(name).run(WhyTests.ids)
            #expect(try Why.find(in: run, trusted: run) == nil)
        }
    }
}

/// Takes the row after the one that it should, for one token.
private struct ShiftedEmbedding: Op {
    let at: Int

    static let card = Embedding.card
    static let samples: [OpSample] = []

    func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape { try Embedding().outputShape(inputs) }

    func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        var ids = inputs[0]
        ids.values[at] += 1
        return Embedding().reference([ids, inputs[1]])
    }
}
