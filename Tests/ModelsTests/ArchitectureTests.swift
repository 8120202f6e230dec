import Checkpoints
import Engine
import Models
import Tensors
import Testing

/// Every architecture, by being listed.
struct ArchitectureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let architecture: Architecture
        var testDescription: String { architecture.name }

        static let all = Architecture.all.map { Case(architecture: $0) }
    }

    @Test func typesAreUnique() {
        let types = Architecture.all.flatMap(\.modelTypes)
        #expect(Set(types).count == types.count)
        for type in types { #expect(Architecture.find(type)?.modelTypes.contains(type) == true) }
    }

    @Test(arguments: Case.all) func runs(_ test: Case) throws {
        let model = try TinyCheckpoint(test.architecture).model()
        let run = try model.run([1, 5, 36, 0, 7, 5])
        let logits = try #require(run.program.id(of: "logits"))
        #expect(run.statistics(logits)?.nonFinite == 0)
        #expect(try run.floats("logits").count == 6 * 37)
        let loss = try run.floats("loss")[0]
        #expect(loss > 1 && loss < 20)
    }

    /// Other weights give other logits; the same weights the same.
    @Test(arguments: Case.all) func dependsOnItsWeights(_ test: Case) throws {
        let tiny = try TinyCheckpoint(test.architecture)
        let logits = try [1, 1, 2].map { try tiny.model(seed: $0).run([3, 4]).floats("logits") }
        #expect(logits[0] == logits[1])
        #expect(logits[0] != logits[2])
    }

    @Test(arguments: Case.all) func everyWeightIsMappedOnce(_ test: Case) throws {
        let tiny = try TinyCheckpoint(test.architecture)
        let model = try tiny.model()
        let program = try model.program(Pass(tokens: 4))
        #expect(Set(model.weightNames.keys) == Set(program.weights.map { program.values[$0].name }))
        #expect(model.weightNames.values.sorted() == tiny.tensors.keys.sorted())
        // Each is read by some step.
        for id in program.weights { #expect(!program.consumers(of: id).isEmpty, "\(program.values[id].name)") }
        // The program of a decoding step has the same weights.
        let decoding = try model.program(Pass(tokens: 1, past: 7, caches: true))
        #expect(Set(decoding.weights.map { decoding.values[$0].name }) == Set(model.weightNames.keys))
    }

    /// Files of the hub leave prefixes out and hold tables that are no parameters.
    @Test(arguments: Case.all) func hubNamesAreFound(_ test: Case) throws {
        var tiny = try TinyCheckpoint(test.architecture)
        let plain = try tiny.model().run([1, 2, 3]).floats("logits")
        for (program, file) in test.architecture.weights.prefixes {
            let renamed = tiny.tensors.map { ($0.hasPrefix(program) ? file + $0.dropFirst(program.count) : $0, $1) }
            tiny.tensors = Dictionary(uniqueKeysWithValues: renamed)
        }
        for pattern in test.architecture.weights.unused {
            tiny.tensors[pattern.text.split(separator: "*").reduce("h.0") { $0 + ($1.hasPrefix(".") ? "" : ".") + $1 }] = [3]
        }
        let model = try tiny.model()
        #expect(Set(model.weightNames.keys).count == model.weightNames.count)
        #expect(try model.run([1, 2, 3]).floats("logits").count == plain.count)
    }

    @Test(arguments: Case.all) func unknownSettingIsRefused(_ test: Case) throws {
        var tiny = try TinyCheckpoint(test.architecture)
        tiny.config["warp_factor"] = "9"
        #expect(tiny.complaint().contains("warp_factor = 9"))
        tiny.config["warp_factor"] = "null"
        #expect(tiny.complaint() == "")
    }

    @Test(arguments: Case.all) func missingSettingIsNamed(_ test: Case) throws {
        let tiny = try TinyCheckpoint(test.architecture)
        var named = 0
        for key in tiny.config.keys where key != "model_type" && !key.hasSuffix("_token_id") {
            var without = tiny
            without.config[key] = nil
            let complaint = without.complaint()
            if complaint.contains("missing \(key)") { named += 1 }
            #expect(complaint.isEmpty || complaint.contains(key) || complaint.contains("tensor"), "\(key): \(complaint)")
        }
        #expect(named >= 4)
    }

    /// C35: what the files hold against what config.json asks for.
    @Test(arguments: Case.all) func missingUnexpectedAndMismatchedAreListed(_ test: Case) throws {
        let tiny = try TinyCheckpoint(test.architecture)
        let names = tiny.tensors.keys.sorted()
        for name in names {
            var missing = tiny
            let shape = tiny.tensors[name] ?? []
            missing.tensors[name] = nil
            #expect(missing.complaint().contains("1 tensor missing: \(name) \(shape)"), "\(name)")
            var mismatched = tiny
            mismatched.tensors[name] = [shape[0] + 1] + shape.dropFirst()
            #expect(mismatched.complaint().contains("1 tensor of another shape: \(name)"), "\(name)")
        }
        var unexpected = tiny
        unexpected.tensors["extra.weight"] = [2, 3]
        #expect(unexpected.complaint().contains("1 tensor unexpected: extra.weight [2, 3]"))
        var many = tiny
        for number in 0..<8 { many.tensors["extra.\(number)"] = [1] }
        let list = (0..<5).map { "extra.\($0) [1]" }.joined(separator: ", ")
        #expect(many.complaint().contains("8 tensors unexpected: \(list) and 3 more"))
    }

    /// A tied model whose file holds the head as well.
    @Test(arguments: Case.all) func tiedHeadInTheFileIsNoted(_ test: Case) throws {
        var tiny = try TinyCheckpoint(test.architecture)
        tiny.config["tie_word_embeddings"] = "true"
        tiny.tensors["lm_head.weight"] = [37, 24]
        let notes = try tiny.model().notes
        #expect(notes.contains { $0.contains("lm_head.weight is ignored") })
    }

    @Test(arguments: Case.all) func promptsThatCannotRunAreRefused(_ test: Case) throws {
        let model = try TinyCheckpoint(test.architecture).model()
        let cases = [
            ([], "no tokens"), ([37], "outside the vocabulary"), ([-1], "outside the vocabulary"),
            (Array(repeating: 1, count: 33), "context of 32"),
        ]
        for (ids, rule) in cases {
            #expect(throws: PromptError.self) { try model.check(ids) }
            do { try model.check(ids) } catch { #expect(error.rule.contains(rule)) }
        }
        try model.check(Array(repeating: 36, count: 32))
    }

    @Test(arguments: Case.all) func memoryIsThatOfTheProgram(_ test: Case) throws {
        let tiny = try TinyCheckpoint(test.architecture)
        let program = try TinyCheckpoint.reading(tiny.config).program(Pass(tokens: 11))
        let bytes = program.steps.reduce(0) { $0 + ($1.op.isView ? 0 : 4 * program.values[$1.output].shape.elementCount) }
        #expect(try TinyCheckpoint.reading(tiny.config).valueBytes(tokens: 11) == bytes)
    }
}
