/// A parsed pattern.
indirect enum PatternNode: Sendable {
    case set(ScalarSet)
    case sequence([PatternNode])
    /// The first that leads to a match wins.
    case choice([PatternNode])
    case repeated(PatternNode, least: Int, most: Int?, greedy: Bool)
    /// `(?=…)` and `(?!…)`.
    case lookahead(PatternNode, negated: Bool)
    case boundary(PatternBoundary)

    static let nothing = PatternNode.sequence([])

    /// Whether it can match without reading a character.
    var canBeEmpty: Bool {
        switch self {
        case .set: false
        case .sequence(let nodes): nodes.allSatisfy(\.canBeEmpty)
        case .choice(let nodes): nodes.contains(where: \.canBeEmpty)
        case .repeated(let node, let least, _, _): least == 0 || node.canBeEmpty
        case .lookahead, .boundary: true
        }
    }
}

/// A place between two characters (Oniguruma, doc/RE: `^` and `$` are of the line; no line begins after a line feed that ends
/// the text).
enum PatternBoundary: Sendable {
    case textStart, textEnd, lineStart, lineEnd, word, notWord

    /// Whether it looks at the character before it.
    var looksBack: Bool { self != .textEnd && self != .lineEnd }
}

/// Why a pattern is refused.
struct PatternError: Error, Equatable {
    let rule: String

    static func position(_ rule: String, _ at: Int) -> PatternError { PatternError(rule: "\(rule) at \(at)") }

    /// For what other engines do by trying and taking back, in time that grows with the square of the text or worse.
    static func notLinear(_ what: String, _ at: Int) -> PatternError {
        PatternError(rule: "pattern not supported, cannot guarantee linear time: \(what) at \(at)")
    }
}
