import Screen
import Tokenizers

/// New tokens on standard output as they come: as text, which a terminal gets in harmless form, or as ids.
struct TextWriter {
    /// Nil: ids.
    private var decoder: StreamingDecoder?
    private var count = 0

    /// The prompt is not written, but what a token means depends on what stands before it.
    init(tokenizer: Tokenizer?, after prompt: [Int]) {
        decoder = tokenizer.map { StreamingDecoder($0) }
        for id in prompt { _ = decoder?.append(Int32(id)) }
    }

    mutating func write(_ id: Int) {
        if decoder == nil {
            Console.data("\(count > 0 ? "," : "")\(id)".utf8)
        } else {
            emit(decoder?.append(Int32(id)) ?? "")
        }
        count += 1
    }

    /// What was held back, and the end of the last line where somebody looks at it.
    mutating func finish() {
        if count > 0 { emit(decoder?.finish() ?? "") }
        if Console.outputIsTerminal || (decoder == nil && count > 0) { Console.data("\n".utf8) }
    }

    private func emit(_ text: String) {
        guard !text.isEmpty else { return }
        Console.data((Console.outputIsTerminal ? VisibleText.line(text, keepingNewlines: true) : text).utf8)
    }
}
