import Models
import Screen
import Tokenizers

/// How a token is written in labels: spaces and line ends are seen, and so is every byte that is no text.
package enum TokenText {
    package static func label(_ id: Int, model: Model?) -> String {
        guard let bytes = bytes(id, model: model) else { return "#\(id)" }
        return bytes.isEmpty ? "<empty>" : visible(bytes: bytes)
    }

    /// What the token stands for; nil without a tokenizer, or where the vocabulary has no such token.
    package static func bytes(_ id: Int, model: Model?) -> [UInt8]? {
        guard let tokenizer = model?.tokenizer, let id = Int32(exactly: id), tokenizer.vocabulary.contains(id) else { return nil }
        return tokenizer.tokenBytes(id)
    }

    /// `·` for a space and `⏎` for a line end.
    package static func visible(_ text: String) -> String { visible(bytes: Array(text.utf8)) }

    package static func visible(bytes: [UInt8]) -> String {
        let shown = bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: " "): Array("·".utf8)
            case UInt8(ascii: "\n"): Array("⏎".utf8)
            default: [byte]
            }
        }
        return VisibleText.line(bytes: shown)
    }

    /// Bytes in hex, `20 54 6F`; of many only the first.
    package static func hex(_ bytes: [UInt8], limit: Int) -> String {
        let shown = bytes.prefix(limit).map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
        return shown.joined(separator: " ") + (bytes.count > limit ? " …" : "")
    }
}
