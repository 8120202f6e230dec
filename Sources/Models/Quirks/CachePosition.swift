extension Quirk {
    static let cachePosition = Quirk(
        name: "cache-position-off-by-one", title: "with a cache, a new token has the position of the one before it",
        story: """
            The position of a new token was taken to be the last of the cache, not the one behind it. The prompt's pass is right and every later \
            one is not, so only a comparison of decoding with one pass over the whole text finds it.
            """,
        source: "what finds it: decoding with a cache must give the bits of one pass over the text", first: "position_ids",
        applies: { _ in true },
        change: .positions { place, past in past > 0 ? place - 1 : place })
}
