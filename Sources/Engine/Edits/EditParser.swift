import Tensors

/// The verbs of edits, as the command line of the workbench and `--edits` files have them.
package enum EditVerb: String, CaseIterable, Sendable {
    case set, zero, scale, shift, noise, copy, freeze, mask
    case knockOut = "knock-out"

    /// How a line goes on.
    package var form: String {
        switch self {
        case .set: "NAME[i, j] = V"
        case .zero: "NAME[head 3]"
        case .scale: "NAME[…] by F"
        case .shift: "NAME[…] by D"
        case .noise: "NAME[…] by SIGMA [seed N]"
        case .copy: "NAME[…] from RUN"
        case .freeze: "NORM"
        case .mask: "*|L3|L3H5 hide|show key K [query Q]"
        case .knockOut: "L3H5|L3 mlp|L3 attention"
        }
    }
}

extension Edit {
    /// Reads one line, such as `zero model.layers.3.self_attn.context[head 3]`.
    package init(_ line: String) throws(EditError) {
        let text = line.trimmed
        let word = String(text.prefix { $0 != " " })
        guard let verb = EditVerb(rawValue: word) else {
            throw EditError("'\(word)' is no edit; there are \(EditVerb.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let rest = String(text.dropFirst(word.count)).trimmed
        guard !rest.isEmpty else { throw EditError("\(word) what? Write \(word) \(verb.form)") }
        switch verb {
        case .knockOut: self = try Edit(knockOut: rest)
        case .mask: self = try Edit(mask: rest)
        default:
            let (target, tail) = try Edit.target(rest)
            self.init(target, try Edit.change(verb, tail))
        }
    }

    /// The name with its brackets, and what follows.
    private static func target(_ text: String) throws(EditError) -> (Target, String) {
        let name = String(text.prefix { $0 != "[" && $0 != " " && $0 != "=" })
        var rest = String(text.dropFirst(name.count)).trimmed
        guard !name.isEmpty else { throw EditError("the name of a value is missing before '\(text)'") }
        guard rest.hasPrefix("[") else { return (.values(name, CellSelection()), rest) }
        guard let end = rest.firstIndex(of: "]") else { throw EditError("'\(rest)' has no closing ]") }
        let inside = String(rest[rest.index(after: rest.startIndex)..<end])
        rest = String(rest[rest.index(after: end)...]).trimmed
        return (.values(name, try CellSelection(inside: inside)), rest)
    }

    private static func change(_ verb: EditVerb, _ tail: String) throws(EditError) -> Change {
        let words = tail.split(separator: " ").map(String.init)
        switch (verb, words.count, words.first) {
        case (.zero, 0, _): return .zero
        case (.freeze, 0, _): return .freeze
        case (.set, _, "=") where words.count == 2: return .set(try number(words[1]))
        case (.set, 1, let word?) where word.hasPrefix("="): return .set(try number(String(word.dropFirst())))
        case (.scale, 2, "by"): return .scale(try number(words[1]))
        case (.shift, 2, "by"): return .shift(try number(words[1]))
        case (.noise, 2, "by"): return .noise(try deviation(words[1]), seed: 0)
        case (.noise, 4, "by") where words[2] == "seed":
            guard let seed = UInt64(words[3]) else { throw EditError("'\(words[3])' is no seed; a seed is a whole number from 0") }
            return .noise(try deviation(words[1]), seed: seed)
        case (.copy, 2, "from"): return .copy(from: words[1])
        default: throw EditError("'\(tail)' cannot follow; write \(verb.rawValue) \(verb.form)")
        }
    }

    private static func number(_ word: String) throws(EditError) -> Double {
        guard let number = Double(word) else { throw EditError("'\(word)' is not a number") }
        return number
    }

    private static func deviation(_ word: String) throws(EditError) -> Double {
        let sigma = try number(word)
        guard sigma >= 0, sigma.isFinite else { throw EditError("noise by \(word): a deviation is a finite number from 0") }
        return sigma
    }
}

extension Edit {
    /// `L3H5`, `L3 mlp`, `L3 attention`.
    private init(knockOut text: String) throws(EditError) {
        let words = text.split(separator: " ").map(String.init)
        let place = try Edit.place(words[0])
        guard let layer = place.layer else { throw EditError("knock-out of which layer? Write knock-out \(EditVerb.knockOut.form)") }
        if words.count == 1, let head = place.head {
            self.init(.head(layer: layer, head: head), .zero)
        } else if words.count == 2, place.head == nil, let block = Block(rawValue: words[1]) {
            self.init(.block(layer: layer, block), .zero)
        } else {
            throw EditError("'\(text)' is no part of a model; write knock-out \(EditVerb.knockOut.form)")
        }
    }

    /// `L3H5 hide key 2 query 7`, `* show key 9 query 4`; without a query, for all.
    private init(mask text: String) throws(EditError) {
        let words = text.split(separator: " ").map(String.init)
        let verbs = ["hide": Change.hide, "show": Change.show]
        guard words.count == 4 || words.count == 6, let change = verbs[words[1]], words[2] == "key", words.count == 4 || words[4] == "query"
        else { throw EditError("'\(text)' is no change of a mask; write mask \(EditVerb.mask.form)") }
        let place = try Edit.place(words[0])
        let query = words.count == 6 ? try CellSelection.range(words[5]) : .all
        self.init(.mask(layer: place.layer, head: place.head, query: query, key: try CellSelection.range(words[3])), change)
    }

    /// `*`, `L3`, `L3H5`.
    private static func place(_ word: String) throws(EditError) -> (layer: Int?, head: Int?) {
        if word == "*" { return (nil, nil) }
        let parts = word.dropFirst().split(separator: "H", omittingEmptySubsequences: false).map { Int($0) }
        guard word.hasPrefix("L"), parts.count <= 2, let layer = parts.first ?? nil, layer >= 0 else {
            throw EditError("'\(word)' is no place in the model; write L3 for a layer, L3H5 for a head")
        }
        guard parts.count == 2 else { return (layer, nil) }
        guard let head = parts[1], head >= 0 else { throw EditError("'\(word)' names no head; write L3H5") }
        return (layer, head)
    }
}

extension String {
    /// Without blanks at the ends.
    var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
