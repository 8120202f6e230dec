import Screen
import Tokenizers

/// What `mica tokenize --explain` shows: the pieces of a text, each with its merges in the order they happened.
enum TokenizeText {
    static func explanation(_ text: [UInt8], _ tokenizer: Tokenizer, special: Bool) -> String {
        let pieces = tokenizer.explain(String(decoding: text, as: UTF8.self))
        var blocks: [String] = []
        if special, !tokenizer.specialsBefore.isEmpty { blocks.append("before the text: \(tokens(tokenizer.specialsBefore, tokenizer))") }
        blocks += pieces.enumerated().map { block($0.element, number: $0.offset + 1, tokenizer) }
        if special, !tokenizer.specialsAfter.isEmpty { blocks.append("after the text: \(tokens(tokenizer.specialsAfter, tokenizer))") }
        let count = tokenizer.encode(text, addSpecial: special).count
        return (blocks + ["\(count) token\(count == 1 ? "" : "s") from \(text.count) bytes"]).joined(separator: "\n")
    }

    private static func block(_ piece: PreTokenExplanation, number: Int, _ tokenizer: Tokenizer) -> String {
        let kind =
            switch piece.kind {
            case .addedToken: ", an added token"
            case .wholeToken: ", whole in the vocabulary"
            case .merged: ""
            }
        let title = "piece \(number)  \(quoted(VisibleText.line(bytes: piece.bytes)))\(kind)"
        guard piece.kind == .merged else { return "\(title)\n  \(tokens(piece.ids, tokenizer))" }
        var table = TextTable(header: ["  start", spaced(piece.symbols, tokenizer), ""])
        for (number, merge) in piece.merges.enumerated() {
            let parts = "\(name(merge.left, tokenizer)) + \(name(merge.right, tokenizer))"
            table.add(["  merge \(number + 1)", spaced(piece.symbols(after: number + 1), tokenizer), "\(parts), rank \(merge.rank)"])
        }
        return "\(title)\n\(table.text)\n  \(tokens(piece.ids, tokenizer))"
    }

    private static func tokens(_ ids: [Int32], _ tokenizer: Tokenizer) -> String {
        ids.map { "\($0) \(quoted(name($0, tokenizer)))" }.joined(separator: ", ")
    }

    private static func spaced(_ ids: [Int32], _ tokenizer: Tokenizer) -> String { ids.map { name($0, tokenizer) }.joined(separator: " ") }

    private static func name(_ id: Int32, _ tokenizer: Tokenizer) -> String { VisibleText.line(tokenizer.tokenText(id) ?? "#\(id)") }

    private static func quoted(_ text: String) -> String { "‘\(text)’" }
}
