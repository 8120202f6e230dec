import ArgumentParser
import Engine
import Models

/// What is held against what.
struct CompareSides: ParsableArguments {
    @Argument(help: ArgumentHelp("A model folder.", valueName: "model"))
    var path: String
    @Argument(help: ArgumentHelp("Another one, whose values have the same names.", valueName: "other"))
    var other: String?
    @Option(
        help: ArgumentHelp(
            "Formats of A: a preset, a format or a policy file; fp32, or with --dump what the tensors of the file are in.",
            valueName: "policy"))
    var a: String?
    @Option(help: ArgumentHelp("Formats of B, where they are not A's.", valueName: "policy"))
    var b: String?
    @Option(
        help: ArgumentHelp(
            "A rule of a policy file for B alone, such as '@softmax kernel reference'; may be given again.", valueName: "rule"))
    var rule: [String] = []
    @Option(help: ArgumentHelp("A safetensors file in the place of B.", valueName: "file"))
    var dump: String?
    @Option(help: ArgumentHelp("The position of the first token, on both sides.", valueName: "position"))
    var start = 0
    @OptionGroup var quirks: QuirkOptions
    @OptionGroup var what: EditOptions

    struct Pair {
        let run: Stepper
        let side: ComparedSide
        /// What A and B are, in words.
        let titles: [String]
        let ids: [Int]
    }

    func validate() throws {
        if !(0...1 << 20).contains(start) { throw ValidationError("--start must be 0 to \(1 << 20).") }
        if dump != nil, b != nil || other != nil || !rule.isEmpty { throw ValidationError("With --dump, B is the file alone.") }
        if dump == nil, b == nil, other == nil, rule.isEmpty, quirks.quirk.isEmpty, what.edits == nil {
            throw ValidationError("Say what B is: OTHER, --b, --quirk, --rule, --edits or --dump.")
        }
    }

    func load(_ prompt: PromptOptions, backward: Bool, threads: Int) throws -> Pair {
        let model = try Model(path: path)
        guard let dump else {
            let a = a ?? "fp32"
            let policy = try PrecisionOptions.formats(a, threads: threads)
            let ids = try prompt.tokens(for: model)
            let run = try stepper(model, ids, policy, changed: false, backward)
            let (side, title) = try otherSide(model, ids, policy, backward, threads)
            return Pair(run: run, side: .run(side), titles: ["\(path) \(a)", title], ids: model.quirked(ids))
        }
        let file = try TensorDump(path: dump)
        let format = a ?? file.format?.name ?? "fp32"
        if a == nil, format != "fp32" {
            Console.note("\(dump) is of a run in \(format): A is run in that; --a fp32 if it was rounded when it was kept")
        }
        let policy = try PrecisionOptions.formats(format, threads: threads)
        let changed = try quirks.attached(to: model)
        let ids = try changed.quirked(tokens(prompt, changed, file))
        let run = try stepper(changed, ids, policy, changed: true, backward)
        return Pair(run: run, side: .tensors(file.named), titles: [title("\(path) \(format)"), dump], ids: ids)
    }

    /// Those of the dump, unless a prompt was given; then they must be the dump's.
    private func tokens(_ prompt: PromptOptions, _ model: Model, _ dump: TensorDump) throws -> [Int] {
        if prompt.prompt == nil, prompt.ids == nil {
            guard let ids = dump.ids else {
                throw Failure.usage("\(dump.path) does not say its tokens (input_ids); give --prompt or --ids")
            }
            do throws(PromptError) { try model.check(ids) } catch { throw Failure("\(dump.path), input_ids: \(error)") }
            return ids
        }
        let ids = try prompt.tokens(for: model)
        if let theirs = dump.ids, theirs != ids {
            throw Failure(
                "\(dump.path) is of other tokens: \(theirs.prefix(8).map(String.init).joined(separator: ","))…; leave the prompt out")
        }
        return ids
    }

    private func otherSide(
        _ model: Model, _ ids: [Int], _ policy: Policy, _ backward: Bool, _ threads: Int
    ) throws -> (Stepper, String) {
        var theirs = policy
        if let b { theirs = try PrecisionOptions.formats(b, threads: threads) }
        for line in rule { theirs.rules += try Policy.rules(from: line, naming: "--rule") }
        let changed = try quirks.attached(to: other.map { try Model(path: $0) } ?? model)
        let read = changed.quirked(ids)
        try changed.check(read)
        return (try stepper(changed, read, theirs, changed: true, backward), title("\(other ?? path) \(b ?? a ?? "fp32")"))
    }

    private func stepper(
        _ model: Model, _ ids: [Int], _ policy: Policy, changed: Bool, _ backward: Bool
    ) throws -> Stepper {
        if backward { try LossTokens.check(ids) }
        var edits = changed ? try what.load(for: model, policy: policy) : EditSet()
        if start > 0 { edits.edits.insert(Edit(.values("position_ids", CellSelection()), .shift(Double(start))), at: 0) }
        let stepper = try model.stepper(
            ids: ids, leaves: backward ? { $0.role == .weight } : nil, edits: edits, policy: policy, keep: .nothing)
        stepper.noteIdleRules()
        return stepper
    }

    private func title(_ base: String) -> String {
        let parts = quirks.quirk.map { "quirk \($0)" } + rule + (what.edits.map { ["edits \($0)"] } ?? [])
        return ([base] + parts).joined(separator: ", ")
    }
}
