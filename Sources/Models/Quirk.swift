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
        /// Other tokens; nil for a model whose texts it leaves alone.
        case tokens(@Sendable (Model) -> TokenReading?)
        /// Other sizes than config.json's, so that the program has other values.
        case settings(@Sendable (inout ModelSettings) -> Void)
        /// The mean of micro-batches' means as the loss of a finetune's step; nothing in a run without one.
        case denominator
    }

    package static let all: [Quirk] = [
        bosMissing, bosDoubled, rootOfWidth, normCast, gemma2Casts, positionsInBF16, ropeTablesInBF16, ropeQuotient, geluExact,
        scoreScale, capAfterMask, capsMissing, windowIgnored, windowPlusOne, windowMinusOne, ropeScalingIgnored, headDimDerived,
        headUntied, scoresUnscaled, layerNormUncentred, causalOffByOne, leftPadding, cachePosition, templateTurnTypo,
        templateNewlineMissing, untrainedRows, meanOfMeans,
    ]

    package static func named(_ name: String) throws(QuirkError) -> Quirk {
        guard let quirk = all.first(where: { $0.name == name }) else {
            throw QuirkError(rule: "there is no quirk '\(name.prefix(40))'; mica quirks lists them")
        }
        return quirk
    }

    func rewrite(_ graph: inout Graph, _ settings: ModelSettings) {
        switch change {
        case .ops(let change): graph.rewrite(mark: name) { change($0, settings) }
        case .settings: graph.mark(named: first, name)
        case .positions, .tokens, .denominator: break
        }
    }

    func position(_ place: Int, past: Int) -> Int {
        if case .positions(let change) = change { change(place, past) } else { place }
    }

    /// The input that it changes, if it changes no op.
    package var input: String? {
        switch change {
        case .ops, .settings, .denominator: nil
        case .positions: "position_ids"
        case .tokens: "input_ids"
        }
    }

    /// Whether other tokens are read, or the values have other shapes, so that nothing of a run can be kept.
    package var beginsAnew: Bool {
        switch change {
        case .tokens, .settings: true
        case .ops, .positions, .denominator: false
        }
    }

    /// Whether a run without a finetune is the same with it.
    package var isOfTraining: Bool { if case .denominator = change { true } else { false } }
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
