import Screen
import Tokenizers

/// New tokens on standard output as they come: as text, which a terminal gets in harmless form, or as ids.
struct TextWriter {
    /// Nil: ids.
    private let tokenizer: Tokenizer?
    private var count = 0
    private var last: UInt8?

    init(tokenizer: Tokenizer?) { self.tokenizer = tokenizer }

    mutating func write(_ id: Int) {
        Console.data("\(count > 0 ? "," : "")\(id)".utf8)
        count += 1
    }

    /// Ends the last line.
    mutating func finish() {
        if Console.outputIsTerminal || (tokenizer == nil && count > 0) { Console.data("\n".utf8) }
    }
}
