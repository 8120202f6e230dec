import Engine

/// The reverse walk of a pass as rows: its steps, those of a layer together. Made once by the engine thread, whether the walk is part of the
/// run yet or not; the numbers of values are the same.
package struct ReverseList: Sendable {
    package struct Entry: Sendable, Hashable {
        /// In the program's steps.
        package let step: Int
        /// The gradient, or the part of one, that the step writes.
        package let output: Int
        /// The forward value it is the gradient of.
        package let target: Int
        /// The layer of the forward op that is walked back over.
        package let layer: Int?
        /// The forward value's name inside its layer.
        package let name: String
        /// Where a value was read several times: the reader whose share it is.
        package let via: String?
        package let op: String
    }

    /// Steps in a row of one layer, or of none.
    package struct Group: Sendable, Hashable {
        package let layer: Int?
        package let entries: Range<Int>
    }

    package enum Row: Sendable, Hashable {
        /// The head of a group.
        case group(Int)
        case entry(Int)
    }

    package let program: Program
    package let entries: [Entry]
    package let groups: [Group]
    package let kinds: [GradientKind]
    private let byOutput: [Int: Int]

    package init(_ program: Program) {
        self.program = program
        let found = program.steps.indices.dropFirst(program.forwardCount).compactMap { ReverseList.entry(program, step: $0) }
        entries = found
        groups = ReverseList.groups(found)
        kinds = GradientKind.all(program)
        byOutput = Dictionary(uniqueKeysWithValues: found.enumerated().map { ($0.element.output, $0.offset) })
    }

    /// The rows in sight.
    package func rows(folded: Set<Int>) -> [Row] {
        groups.indices.flatMap { number -> [Row] in
            let group = groups[number]
            guard let layer = group.layer else { return group.entries.map { .entry($0) } }
            return [.group(number)] + (folded.contains(layer) ? [] : group.entries.map { .entry($0) })
        }
    }

    /// The entry that writes a gradient.
    package func entry(writing id: Int) -> Int? { byOutput[id] }

    /// The entry that writes the whole gradient of a forward value.
    package func entry(of target: Int) -> Int? { program.gradient(of: target).flatMap { byOutput[$0] } }

    package func group(of entry: Int) -> Int? { groups.firstIndex { $0.entries.contains(entry) } }

    // MARK: making

    private static func entry(_ program: Program, step number: Int) -> Entry? {
        let step = program.steps[number]
        let (target, via) = names(program.values[step.output].name)
        guard let id = program.id(of: target) else { return nil }
        // A gradient belongs to the op it walks back over, the one that wrote what its last input is the gradient of; a sum to its value's.
        let walked = step.op is Gradient ? step.inputs.last.map { names(program.values[$0].name).target } : target
        return Entry(
            step: number, output: step.output, target: id, layer: walked.flatMap { LayerPath($0)?.layer }, name: inner(target),
            via: via.map(inner), op: (step.op as? Gradient)?.op.card.name ?? step.op.card.name)
    }

    /// `grad:NAME via READER` taken apart.
    private static func names(_ name: String) -> (target: String, via: String?) {
        let bare = name.hasPrefix("grad:") ? String(name.dropFirst(5)) : name
        guard let at = bare.firstRange(of: " via ") else { return (bare, nil) }
        return (String(bare[..<at.lowerBound]), String(bare[at.upperBound...]))
    }

    /// A name without its layer, and without the module where the rest tells enough.
    private static func inner(_ name: String) -> String {
        guard let path = LayerPath(name) else { return name.split(separator: ".").suffix(2).joined(separator: ".") }
        let parts = path.rest.split(separator: ".")
        guard !parts.isEmpty else { return "layer \(path.layer)" }
        let isLeaf = parts.last == "weight" || parts.last == "bias"
        return parts.suffix(isLeaf ? 2 : 1).joined(separator: ".")
    }

    private static func groups(_ entries: [Entry]) -> [Group] {
        var groups: [Group] = []
        for (number, entry) in entries.enumerated() {
            if let last = groups.last, last.layer == entry.layer {
                groups[groups.count - 1] = Group(layer: entry.layer, entries: last.entries.lowerBound..<number + 1)
            } else {
                groups.append(Group(layer: entry.layer, entries: number..<number + 1))
            }
        }
        return groups
    }
}

/// The same gradient in every layer: the residual stream's, or that of one matrix.
package struct GradientKind: Sendable, Hashable {
    package let name: String
    /// The gradient's number, a layer each; nil where a layer has none.
    package let gradients: [Int?]

    static func all(_ program: Program) -> [GradientKind] {
        var order: [String] = []
        var found: [String: [Int: Int]] = [:]
        for (id, value) in program.values.enumerated() {
            guard let path = LayerPath(value.name), let gradient = program.gradient(of: id), let kind = kind(value, path) else { continue }
            if found[kind] == nil { order.append(kind) }
            found[kind, default: [:]][path.layer] = gradient
        }
        let layers = program.layerCount
        let names = short(order)
        let kinds = zip(order, names).map { kind, name in
            GradientKind(name: name, gradients: (0..<layers).map { found[kind]?[$0] })
        }
        return kinds.filter { $0.name == residual } + kinds.filter { $0.name != residual }
    }

    private static let residual = "residual"

    private static func kind(_ value: Value, _ path: LayerPath) -> String? {
        if value.role == .residual, path.rest.isEmpty { return residual }
        guard value.role == .weight, value.shape.rank == 2, path.rest.hasSuffix(".weight") else { return nil }
        return String(path.rest.dropLast(7))
    }

    /// `self_attn.q_proj` → `q`; where two would be the same, both keep their module.
    private static func short(_ names: [String]) -> [String] {
        let last = names.map { $0.split(separator: ".").last.map(String.init) ?? $0 }
        return zip(names, last).map { name, short in
            let own = last.count { $0 == short } > 1 ? name : short
            return own.hasSuffix("_proj") && !own.hasPrefix("c_") && own == short ? String(own.dropLast(5)) : own
        }
    }
}
