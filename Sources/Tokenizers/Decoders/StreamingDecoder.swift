/// Turns ids into text one by one, as a model gives them. A token may end within a character; what is not yet text waits.
package struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let skipSpecial: Bool
    /// Ids whose text is out, kept because decoding depends on what stands before; then ids whose text waits.
    private var window: [Int32] = []
    private var said = 0
    /// Characters have four bytes at most: what waits longer than so many tokens is not going to become text.
    private static let patience = 8

    package init(_ tokenizer: Tokenizer, skipSpecial: Bool = true) {
        self.tokenizer = tokenizer
        self.skipSpecial = skipSpecial
    }

    /// Takes the next id and gives the text that is complete with it, often empty.
    package mutating func append(_ id: Int32) -> String {
        if skipSpecial && tokenizer.isSpecial(id) { return "" }
        window.append(id)
        return newText(isLast: window.count - said > Self.patience)
    }

    /// The text still held back, with � for bytes that are no character.
    package mutating func finish() -> String {
        defer {
            window = []
            said = 0
        }
        return newText(isLast: true)
    }

    private mutating func newText(isLast: Bool) -> String {
        let before = Array(text(window.prefix(said)).utf8)
        let all = Array(text(window[...]).utf8)
        let isComplete = !all.suffix(3).elementsEqual([0xEF, 0xBF, 0xBD])
        guard isLast || (isComplete && all.count > before.count) else { return "" }
        // The new tokens are the next context.
        window.removeFirst(said)
        said = window.count
        return String(decoding: all.dropFirst(before.count), as: UTF8.self)
    }

    private func text(_ ids: ArraySlice<Int32>) -> String { tokenizer.decode(ids, skipSpecial: skipSpecial) }
}
