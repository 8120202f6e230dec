import Tensors

/// Edits resolved against a program: which values they change, which ops run otherwise, and which steps of the reverse walk have to know.
/// Made when the list of edits changes; the stepper asks it after every op.
package struct EditPlan: Sendable {
    package private(set) var list = EditSet()
    /// Where the pass lies in the text.
    package var text = TextWindow(end: 0)
    /// By value, in the order of the list.
    private(set) var changes: [Int: [EditedCells]] = [:]
    /// By step.
    private(set) var substitutes: [Int: EditSubstitute] = [:]
    /// Steps of the reverse walk that are the derivative of an edited value's op, with that value.
    private(set) var producers: [Int: Int] = [:]

    package var edits: [Edit] { list.edits }
    package var isEmpty: Bool { list.edits.isEmpty }

    init() {}

    /// Throws where an edit does not fit. `unedited` gives the input of a norm as it is without edits.
    init(_ set: EditSet, for stepper: Stepper, text: TextWindow, unedited: (Int) throws -> Tensor) throws {
        list = set
        self.text = text
        let program = stepper.program
        for edit in set.edits { try place(edit, program) }
        try substitute(stepper, unedited)
        followAll(stepper)
    }

    /// The same edits where a reverse walk has been appended to the program.
    func extended(to stepper: Stepper) -> EditPlan {
        var plan = self
        plan.followAll(stepper)
        return plan
    }

    private mutating func followAll(_ stepper: Stepper) {
        guard !isEmpty, stepper.program.hasBackward else { return }
        for number in stepper.program.forwardCount..<stepper.program.steps.count { follow(number, stepper) }
    }

    private mutating func place(_ edit: Edit, _ program: Program) throws(EditError) {
        for id in try edit.values(in: program) {
            let needsHeads = edit.selection.items.contains { $0.axis == .head } && program.values[id].shape.count(of: .head) == nil
            var source: [Int]?
            if case .copy(let name) = edit.change {
                guard let run = list.runs[name] else { throw EditError("there is no run '\(name)'; make one with run \(name) = \"TEXT\"") }
                source = run.ids
            }
            let cells = EditedCells(
                selection: edit.selection, change: edit.change, heads: needsHeads ? program.heads(of: id) : nil, source: source)
            try check(cells, id, program)
            changes[id, default: []].append(cells)
        }
    }

    // MARK: what fits

    private func check(_ cells: EditedCells, _ id: Int, _ program: Program) throws(EditError) {
        let value = program.values[id]
        let ranges = try cells.selection.ranges(in: value.shape, of: value.name, text: text, heads: cells.heads)
        if value.role == .input { try checkInteger(cells.change, id, program) }
        if case .copy(let name) = cells.change { try checkCopy(name, value, ranges) }
        if cells.change == .hide || cells.change == .show, !(program.op(of: id) is AttentionScores) {
            throw EditError("\(value.name) holds no scores; masks are edited with mask \(EditVerb.mask.form)")
        }
    }

    /// Ids and positions are whole numbers that a table has rows for.
    private func checkInteger(_ change: Edit.Change, _ id: Int, _ program: Program) throws(EditError) {
        let (name, allowed) = (program.values[id].name, program.allowed(id))
        switch change {
        case .set(let number):
            guard let whole = Int(exactly: number), allowed.contains(whole) else {
                throw EditError("\(name) holds whole numbers \(allowed.lowerBound)…\(allowed.upperBound), not \(number)")
            }
        case .zero, .copy: break
        case .shift(let term):
            // Positions that are turned by go on for ever; a table ends.
            guard allowed.upperBound == Int(Int32.max), let whole = Int(exactly: term), (0...1 << 20).contains(whole) else {
                throw EditError("\(name) cannot be shifted by \(term); positions of a rotation can, by a whole number up to \(1 << 20)")
            }
        default: throw EditError("\(name) holds whole numbers; set, zero or copy them")
        }
    }

    private func checkCopy(_ run: String, _ value: Value, _ ranges: [Range<Int>]) throws(EditError) {
        guard let program = list.runs[run]?.stepper.program, let other = program.id(of: value.name) else {
            throw EditError("run \(run) has no \(value.name); it is a run of another model")
        }
        let there = program.values[other].shape
        for (place, axis) in value.shape.axes.enumerated() where there[place] != axis.count {
            let isText = [.token, .query, .key].contains(axis.name)
            // Tokens after the prompt keep their own numbers where the other run has none.
            if isText, text.first > 0 { continue }
            guard isText, ranges[place] != 0..<axis.count, ranges[place].upperBound <= there[place] else {
                throw EditError(
                    "\(value.name) is \(value.shape) here and \(there) in run \(run); choose \(axis.name.rawValue)s that both have, such as [\(axis.name.rawValue) 0]"
                )
            }
        }
    }

    // MARK: ops that run otherwise

    private mutating func substitute(_ stepper: Stepper, _ unedited: (Int) throws -> Tensor) throws {
        let program = stepper.program
        for (id, cells) in changes {
            guard let number = program.values[id].step else { continue }
            if cells.contains(where: { $0.change == .freeze }) {
                let x = try unedited(program.steps[number].inputs[0])
                // Tokens that came after the prompt have no unedited run.
                guard text.first == 0, let op = FrozenNorm(program.steps[number].op, keeping: x) else { continue }
                substitutes[number] = EditSubstitute(.frozen(op.scales), op)
            }
            if cells.contains(where: { $0.change == .show }) { open(number, stepper) }
        }
    }

    /// The scores, the softmax and the context of a layer take every key in; what stays hidden gets −∞.
    private mutating func open(_ number: Int, _ stepper: Stepper) {
        let program = stepper.program
        let probs = program.consumers(of: program.steps[number].output).filter { program.steps[$0].op is Softmax }
        let contexts = probs.flatMap { program.consumers(of: program.steps[$0].output) }
        for step in [number] + probs + contexts {
            guard let op = AttentionMask.opened(program.steps[step].op) else { continue }
            substitutes[step] = EditSubstitute(.opened, op)
        }
    }

    /// A step of the reverse walk: the derivative of what really ran, through the edits of its value.
    private mutating func follow(_ number: Int, _ stepper: Stepper) {
        let program = stepper.program
        guard let gradient = program.steps[number].op as? Gradient, let last = program.steps[number].inputs.last,
            let value = program.differentiated(last), let forward = program.values[value].step
        else { return }
        if changes[value] != nil { producers[number] = value }
        guard let substitute = substitutes[forward] else { return }
        let op = Gradient(substitute.op, gradient.derivative, shape: gradient.shape)
        substitutes[number] = EditSubstitute(substitute.reason, op)
    }
}

extension Program {
    /// The value of which another one is the gradient.
    func differentiated(_ gradient: Int) -> Int? {
        let name = values[gradient].name
        return name.hasPrefix("grad:") ? id(of: String(name.dropFirst(5))) : nil
    }
}

extension AttentionMask {
    /// Hides nothing but other texts of a packed row.
    package var opened: AttentionMask { AttentionMask(causal: false, packed: packed) }

    /// The op with a mask that hides nothing (but other texts of a packed row); nil if it has no mask.
    fileprivate static func opened(_ op: any Op) -> (any Op)? {
        switch op {
        case let op as AttentionScores:
            return AttentionScores(scale: op.scale, softcap: op.softcap, mask: op.mask.opened, capsHidden: op.capsHidden)
        case let op as Softmax: return Softmax(mask: (op.mask ?? AttentionMask()).opened, upcasts: op.upcasts)
        case let op as AttentionContext: return AttentionContext(mask: op.mask.opened)
        default: return nil
        }
    }
}
