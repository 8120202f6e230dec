import Engine
import Screen

extension Command {
    static let kernelCommands: [Command] = [
        Command("kernel-next", .whatIf, "the selected value by the next kernel of its op; what follows is computed again") {
            session, _ throws(CommandError) in
            [.engine(.precision(.kernel(nil, of: try session.switchable())))]
        },
        Command(
            "kernel", "[NAME [PATTERN] | own]", .whatIf,
            "the selected value, or those of a pattern, by another kernel; own takes all kernels back; alone: which there are"
        ) { session, arguments throws(CommandError) in
            guard let name = arguments[0] else {
                session.say(
                    "\(session.kernelName(session.place.value)) of " + session.kernelNames(session.place.value).joined(separator: ", "))
                return []
            }
            if name == "own" { return [.engine(.precision(.ownKernels))] }
            guard let pattern = arguments[1] else { return [.engine(.precision(.kernel(name, of: try session.switchable())))] }
            do throws(PolicyError) { return [.engine(.precision(.add([try Policy.Rule([pattern, "kernel", name])])))] } catch {
                throw CommandError(error.rule)
            }
        },
        Command("kernels", .whatIf, "the kernels of the selected value: formula, source, cost, measured time; Space switches") {
            session, _ throws(CommandError) in
            try session.needRun()
            let names = session.kernelNames(session.place.value)
            guard !names.isEmpty else { throw CommandError("a weight or an input has no kernel") }
            let now = names.firstIndex(of: session.kernelName(session.place.value)) ?? 0
            session.overlay = .kernels(session.place.value, selection: now)
            return []
        },
    ]
}

extension Session {
    /// The value whose kernel can be changed.
    fileprivate func switchable() throws(CommandError) -> String {
        try needRun()
        guard place.value.level == 0, let value = selectedValue, let step = value.step, let stepper = snapshot?.stepper else {
            throw CommandError("only the model's own values have a kernel that can be changed; leave the op first (X)")
        }
        if stepper.isByFormula(step) {
            throw CommandError("\(value.name) is computed by the formula: its precision asks for more than a kernel has")
        }
        return value.name
    }

    /// Rules that were added since the model was opened.
    var liveRules: [Policy.Rule] { snapshot?.stepper.policy.live ?? [] }

    func kernelNames(_ value: ValueRef) -> [String] { snapshot?.stepper(level: value.level)?.kernelNames(of: value.id) ?? [] }

    func kernelName(_ value: ValueRef) -> String { snapshot?.stepper(level: value.level)?.kernelName(of: value.id) ?? "" }

    /// Keys of the box of kernels.
    mutating func kernelsKey(_ key: Key, _ value: ValueRef, _ selection: Int) -> [Effect] {
        let names = kernelNames(value)
        guard key.code == .enter || key == Key(" ") else {
            overlay = .kernels(value, selection: key.moved(selection, of: names.count))
            return []
        }
        guard let name = names[safe: selection] else { return [] }
        do throws(CommandError) { return [.engine(.precision(.kernel(name, of: try switchable())))] } catch {
            say(error.text, .error)
            return []
        }
    }
}
