import Engine
import Screen
import Tensors

extension Command {
    static let precisionCommands: [Command] = [
        Command("format-next", .whatIf, "the selected value in the next format; what follows is computed again") {
            session, _ throws(CommandError) in
            try session.needRun()
            guard session.place.value.level == 0, let value = session.selectedValue, value.role != .input else {
                throw CommandError("only the model's own values have a format; leave the op first (X)")
            }
            return [.engine(.precision(.nextFormat(of: value.name)))]
        },
        Command("errors", .view, "measure how far every value is from the same run in fp64, however long it takes") {
            session, _ throws(CommandError) in
            try session.needRun()
            session.numerics.measuresErrors = true
            session.open(.numerics)
            return []
        },
        Command(
            "precision", "[NAME [PATTERN] | RULE | FILE | own]", .whatIf,
            "values in another format: a preset for all, a format for a pattern, a rule, or a file of rules; own takes it all back"
        ) { session, arguments throws(CommandError) in
            guard let name = arguments[0] else {
                session.say(
                    session.liveRules.isEmpty ? "the model's own formats" : session.liveRules.map(\.description).joined(separator: "  "))
                return []
            }
            if name == "own" { return [.engine(.precision(.replace([])))] }
            do throws(PolicyError) { return [.engine(.precision(try Session.change(arguments.words)))] } catch {
                throw CommandError(error.rule)
            }
        },
    ]
}

extension Session {
    /// `bf16`, `bf16 *.mlp.*`, or a rule's own words.
    fileprivate static func change(_ words: [String]) throws(PolicyError) -> PrecisionCommand {
        if words.count == 1 {
            guard let preset = Policy.Preset(rawValue: words[0]) else {
                if NumberFormat.named(words[0]) != nil { return .replace([try Policy.Rule(["*", words[0]])]) }
                return .file(words[0])
            }
            return .replace(try Policy.rules(from: preset == .fp32 ? "* fp32" : preset.text))
        }
        if NumberFormat.named(words[0]) != nil { return .add([try Policy.Rule([words[words.count - 1]] + words.dropLast())]) }
        return .add([try Policy.Rule(words)])
    }

    func format(_ value: ValueRef) -> NumberFormat {
        guard let stepper = snapshot?.stepper(level: value.level), stepper.program.values.indices.contains(value.id) else { return .fp32 }
        return stepper.format(of: value.id)
    }

    /// The format of a value; of a weight or an input nobody rounded, that of its elements.
    func formatName(_ value: ValueRef) -> String {
        let format = format(value)
        guard let tensor = tensor(value), tensor.type != .f32, format == .fp32 else { return "\(format)" }
        return tensor.type.spokenName
    }

    /// Whether a value is kept and made as the model was opened.
    func isOwnFormat(_ value: ValueRef) -> Bool {
        guard value.level == 0, let stepper = snapshot?.stepper, stepper.program.values.indices.contains(value.id) else { return true }
        return stepper.isOwnChoice(value.id)
    }

    /// Before the name of a value in another format than the model's own.
    func formatSign(_ value: ValueRef) -> String { isOwnFormat(value) ? "" : "≠\(changeName(value)) " }

    /// What is not the model's own of a value: its kernel, if that is all, else its format and perhaps its kernel.
    func changeName(_ value: ValueRef) -> String {
        guard !isOwnKernel(value), let stepper = snapshot?.stepper else { return formatName(value) }
        let kernel = kernelName(value)
        return stepper.isOwnFormat(value.id) ? kernel : "\(formatName(value)) \(kernel)"
    }

    /// Whether a value is computed by the kernel with which the model was opened.
    func isOwnKernel(_ value: ValueRef) -> Bool {
        guard value.level == 0, let stepper = snapshot?.stepper, let step = stepper.program.values[safe: value.id]?.step else {
            return true
        }
        return stepper.choices[step].ownKernel.map { $0 == stepper.choices[step].kernelName } ?? true
    }

    /// Before what is made of several values: the first that is in another format.
    func formatSign(among values: [Int]) -> String {
        values.lazy.map { formatSign(ValueRef(id: $0)) }.first { !$0.isEmpty } ?? ""
    }

    /// The format and what else a rule says of a value, in so many columns; nothing where all is fp32 and the model's own.
    func formatLines(_ value: ValueRef, width: Int) -> [String] {
        guard let stepper = snapshot?.stepper(level: value.level), let step = selectedValue?.step else { return [] }
        let (choice, isOwn) = (stepper.choices[step], isOwnFormat(value))
        let kernel = stepper.isStandardKernel(step) ? nil : "kernel \(stepper.kernelName(of: value.id))"
        if isOwn && choice.format == .fp32 && choice.inputs == nil && kernel == nil { return [] }
        let parts = [choice.inputs.map { "inputs \($0)" }, choice.accumulation.map { "accumulate \($0)" }, kernel].compactMap { $0 }
        let words = (["\(isOwn ? "" : "≠ ")\(choice.format)"] + parts).joined(separator: ", ")
        let long = words + (isOwn ? "" : ", not the model's own")
        return [VisibleText.width(long) <= width ? long : words]
    }

    mutating func receive(formats report: EditReport) {
        busy = nil
        let idle = snapshot.map { shown in liveRules.filter { $0.isIdle(in: shown.stepper.program) } } ?? []
        if let rule = idle.first { return say("\(rule.located) fits no value of this model; it changes nothing", .warning) }
        // What is said of a change that takes all back is not marked as if something were still changed.
        say(EditWords.summary(report, self).replacing("✎ ", with: liveRules.isEmpty ? "= the model's own  " : "≠ "))
    }
}
