/// Which head the attention screen looks at, and what of it.
package struct AttentionView: Sendable, Hashable {
    package enum Part: String, CaseIterable, Sendable { case probs, scores, mask }

    package var layer = 0
    package var head = 0
    /// Place in the text of the token that asks; nil: the last.
    package var query: Int?
    /// Place in the text of the token that is looked at; nil: the one the query looks at most.
    package var key: Int?
    package var part = Part.probs
    package var showsAllHeads = false
    package var isLog = false

    package init() {}
}

/// Where the RoPE screen stands.
package struct RopeView: Sendable, Hashable {
    /// Nil: that of the last token. May lie beyond the text, up to the model's context.
    package var position: Int?
    /// The pair of dimensions; where positions are learned, the feature.
    package var pair = 0
    package var layer = 0
    package var head = 0
    /// The table shown: cos or sin.
    package var showsSin = false

    package init() {}
}

/// What the Numerics screen was told to do.
package struct NumericsView: Sendable, Hashable {
    /// Whether errors against fp64 are measured even where that takes long.
    package var measuresErrors = false

    package init() {}
}

/// Where the Tokens screen stands.
package struct TokensView: Sendable, Hashable {
    /// The selected token of the text; nil: the last, also when new ones come.
    package var token: Int?
    package var mergeStep = 0
    /// The selected row of the lens; nil: the last layer.
    package var layer: Int?
    /// The selected line of the next-token list.
    package var choice = 0
    package var colour = Colour.probability
    /// Whether the screen shows what the loss reads; nil: while a finetune is open.
    package var labels: Bool?

    package enum Colour: String, CaseIterable, Sendable { case none, probability, entropy }

    package init() {}
}
