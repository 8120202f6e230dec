import Models
import Tokenizers

/// How a token is written in labels: spaces and line ends are seen.
package enum TokenText {
    package static func label(_ id: Int, model: Model?) -> String {
        guard let tokenizer = model?.tokenizer, tokenizer.tokenText(Int32(id)) != nil else { return "#\(id)" }
        let bytes = tokenizer.tokenBytes(Int32(id))
        if let text = String(validating: bytes, as: UTF8.self) { return visible(text) }
        return bytes.map {
            "<0x" + (String($0, radix: 16, uppercase: true).count < 2 ? "0" : "") + String($0, radix: 16, uppercase: true) + ">"
        }.joined()
    }

    /// `·` for a space and `⏎` for a line end.
    package static func visible(_ text: String) -> String {
        String(text.map { $0 == " " ? "·" : $0 == "\n" ? "⏎" : $0 })
    }
}
