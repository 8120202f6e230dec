import Engine
import Tensors

/// A published mistake as a switch: what it was, who put it right and where, which models it is of, and what it changes. A file in Quirks/
/// and a line in `all`.
package struct Quirk: Sendable {
    /// As `--quirk` takes it.
    package let name: String
    /// What is wrong while it is on, in a line.
    package let title: String
    /// What happened, and what one sees.
    package let story: String
    /// Who put it right, and where to read on.
    package let source: String
    /// The value that is the first to differ when it is on: the architectures' name for it.
    package let first: String
    /// Of which models it is; the others do not list it.
    package let applies: @Sendable (Model) -> Bool
    package let change: Change

    package enum Change: Sendable {
        /// Another op in the place of an op, or nil; the settings are the model's.
        case ops(@Sendable (any Op, ModelSettings) -> (any Op)?)
        /// Another position for a place in the text; the second number is how many tokens lie in the cache.
        case positions(@Sendable (Int, Int) -> Int)
        /// Other tokens; the second is the token that begins every text.
        case tokens(@Sendable ([Int], Int) -> [Int])
    }

    package static let all: [Quirk] = [
        bosMissing, bosDoubled, rootOfWidth, normCast, gemma2Casts, positionsInBF16, ropeTablesInBF16, ropeQuotient, geluExact,
        scoreScale, capAfterMask, capsMissing, windowIgnored, windowPlusOne, ropeScalingIgnored, scoresUnscaled, layerNormUncentred,
        causalOffByOne, leftPadding, cachePosition,
    ]

    package static func named(_ name: String) throws(QuirkError) -> Quirk {
        guard let quirk = all.first(where: { $0.name == name }) else {
            throw QuirkError(rule: "there is no quirk '\(name.prefix(40))'; mica quirks lists them")
        }
        return quirk
    }

    func rewrite(_ graph: inout Graph, _ settings: ModelSettings) {
        guard case .ops(let change) = change else { return }
        graph.rewrite(mark: name) { change($0, settings) }
    }

    func position(_ place: Int, past: Int) -> Int {
        if case .positions(let change) = change { change(place, past) } else { place }
    }

    func tokens(_ ids: [Int], begin: Int?) -> [Int] {
        if case .tokens(let change) = change, let begin { change(ids, begin) } else { ids }
    }

    /// The input that it changes, if it changes no op.
    package var input: String? {
        switch change {
        case .ops: nil
        case .positions: "position_ids"
        case .tokens: "input_ids"
        }
    }

    /// Whether it changes which tokens are read, so that nothing of a run can be kept.
    package var changesTokens: Bool { if case .tokens = change { true } else { false } }
}

extension Model {
    /// Those of the catalogue that are of this model.
    package var applicableQuirks: [Quirk] { Quirk.all.filter { $0.applies(self) } }

    /// The model with exactly these switched on, whatever was on before.
    package func with(quirks names: [String]) throws(QuirkError) -> Model {
        for name in names {
            let quirk = try Quirk.named(name)
            guard quirk.applies(self) else {
                let own = applicableQuirks.map(\.name).joined(separator: ", ")
                throw QuirkError(rule: "quirk '\(name)' is not of this \(architecture.name); of it are \(own)")
            }
        }
        var model = self
        model.quirks = Quirk.all.filter { names.contains($0.name) }
        return model
    }

    /// What the model is given to read when it is given these tokens.
    package func quirked(_ ids: [Int]) -> [Int] { quirks.reduce(ids) { $1.tokens($0, begin: beginToken) } }

    /// The token that the tokenizer puts before every text.
    var beginToken: Int? { tokenizer?.specialsBefore.first.map(Int.init) }
}

/// A quirk that cannot be switched on.
package struct QuirkError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    package init(rule: String) { self.rule = rule }
    package var description: String { rule }
}

extension Quirk {
    /// Whether a model is of one of these architectures.
    static func of(_ names: String...) -> @Sendable (Model) -> Bool { { names.contains($0.architecture.name) } }

    /// Of models that turn queries and keys.
    static let ofRotation: @Sendable (Model) -> Bool = { $0.settings.rope != nil }
}
