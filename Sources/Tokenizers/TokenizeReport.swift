import StrictJSON

/// What `mica tokenize` prints. Token text is given as it is; whoever prints it makes it harmless.
package struct TokenizeReport: Sendable {
    private let tokenizer: Tokenizer
    private let addSpecial: Bool

    package init(_ tokenizer: Tokenizer, addSpecial: Bool = true) {
        self.tokenizer = tokenizer
        self.addSpecial = addSpecial
    }

    /// A line a token: place, id, spelling, bytes.
    package func table(_ text: String) -> [String] {
        let ids = tokenizer.encode(text, addSpecial: addSpecial)
        let spellings = ids.map { tokenizer.tokenText($0) ?? "" }
        let width = min(24, max(5, spellings.map(\.unicodeScalars.count).max() ?? 0))
        let head = row("#", "id", "token", "bytes", width)
        let rows = zip(ids, spellings).enumerated().map { place, token in
            row("\(place)", "\(token.0)", token.1, bytes(of: token.0), width)
        }
        return [head] + rows + [summary(text, ids)]
    }

    private func summary(_ text: String, _ ids: [Int32]) -> String {
        let count = ids.count == 1 ? "1 token" : "\(ids.count) tokens"
        let bytes = text.utf8.count == 1 ? "1 byte" : "\(text.utf8.count) bytes"
        return "\(count) for \(bytes)"
    }

    private func bytes(of id: Int32) -> String {
        let bytes = tokenizer.tokenBytes(id).map(Self.hexadecimal).joined(separator: " ")
        return tokenizer.isSpecial(id) ? bytes + "  special" : bytes
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private func row(_ place: String, _ id: String, _ token: String, _ bytes: String, _ width: Int) -> String {
        let padding = String(repeating: " ", count: max(0, width - token.unicodeScalars.count))
        return Self.right(place, 5) + Self.right(id, 8) + "  " + token + padding + "  " + bytes
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// The merges of every piece of the text, a line each: rank, parts, and the symbols after it.
    package func explanation(_ text: String) -> [String] {
        tokenizer.explain(text).flatMap(lines)
    }

    private func lines(_ piece: PreTokenExplanation) -> [String] {
        let shown = "\"" + String(decoding: piece.bytes, as: UTF8.self) + "\""
        switch piece.kind {
        case .addedToken: return ["\(shown)  added token \(spelled(piece.symbols))"]
        case .wholeToken: return ["\(shown)  in the vocabulary as it stands: \(spelled(piece.symbols))"]
        case .merged: break
        }
        let head = "\(shown)  \(piece.symbols.count) symbols, \(piece.merges.count) merges"
        var replay = MergeReplay(piece)
        var lines = [head, "          start  " + spelled(replay.symbols)]
        while let step = replay.next() {
            let parts = "\(tokenizer.tokenText(step.left) ?? "")+\(tokenizer.tokenText(step.right) ?? "")"
            lines.append("  rank" + Self.right("\(step.rank)", 9) + "  " + spelled(replay.symbols) + "   (\(parts))")
        }
        return lines + ["            ids  " + replay.symbols.map { "\($0)" }.joined(separator: " ")]
    }

    private func spelled(_ ids: [Int32]) -> String {
        ids.map { tokenizer.tokenText($0) ?? "" }.joined(separator: " ")
    }

    /// One line of `--json-lines`: a JSON string in, a JSON array of ids out. `number` counts lines from 1.
    package func jsonLine(_ line: [UInt8], number: Int) throws(TokenizerError) -> String {
        let remedy = "Write every line as a JSON string."
        let file = "standard input"
        do {
            guard let text = try StrictJSON.parse(line).string else {
                throw TokenizerError(file: file, rule: "line \(number) is not a JSON string", remedy: remedy)
            }
            return "[" + tokenizer.encode(text, addSpecial: addSpecial).map { "\($0)" }.joined(separator: ",") + "]"
        } catch let error as JSONError {
            let rule = "line \(number), column \(error.column): \(Quoted.plain(error.rule))"
            throw TokenizerError(file: file, rule: rule, remedy: remedy)
        } catch {
            throw TokenizerError(file: file, rule: "line \(number) is not a JSON string", remedy: remedy)
        }
    }
}
