/// Which head the attention screen looks at, and what of it.
package struct AttentionView: Sendable, Hashable {
    package enum Part: String, CaseIterable, Sendable { case probs, scores, mask }

    package var layer = 0
    package var head = 0
    package var query = 0
    package var key = 0
    package var part = Part.probs
    package var showsAllHeads = false
    package var isLog = false

    package init() {}
}

/// Where the RoPE screen stands.
package struct RopeView: Sendable, Hashable {
    package var position = 1
    package var pair = 0
    package var layer = 0
    package var head = 0
    /// The table shown: cos or sin.
    package var showsSin = false

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

    package enum Colour: String, CaseIterable, Sendable { case none, probability, entropy }

    package init() {}
}
