/// How a piece of text becomes its first symbols.
enum SymbolAlphabet: Sendable {
    /// Byte-level: the id of each of the 256 bytes (-1: not in the vocabulary, the byte is dropped), and, for `ignore_merges`, the
    /// tokens by the bytes that they stand for.
    case bytes([Int32], whole: ByteTable)
    /// A symbol a scalar; what is not in the vocabulary becomes byte tokens or the unknown token.
    case scalars(ScalarSymbols)

    /// The token that the whole piece is.
    func wholeToken(_ vocabulary: Vocabulary, _ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int32? {
        switch self {
        case .bytes(_, let whole): whole.find(text, start, end)
        case .scalars: vocabulary.modelID(text, start, end)
        }
    }

    func symbols(_ model: BytePairModel, _ text: Span<UInt8>, _ start: Int, _ end: Int, into symbols: inout [Int32]) {
        symbols.removeAll(keepingCapacity: true)
        switch self {
        case .bytes(let ids, _):
            for at in start..<end {
                let id = ids[Int(text[at])]
                if id >= 0 { symbols.append(id) }
            }
        case .scalars(let scalars):
            scalars.symbols(model, text, start, end, into: &symbols)
        }
    }
}

/// The symbols of SentencePiece-like vocabularies.
struct ScalarSymbols: Sendable {
    /// The ids of ASCII characters, or -1.
    let ascii: [Int32]
    /// The ids of `<0x00>` to `<0xFF>`, or -1.
    let byteTokens: [Int32]

    init(_ vocabulary: Vocabulary) {
        ascii = (UInt8(0)..<128).map { vocabulary.modelID([$0]) ?? -1 }
        byteTokens = (UInt8(0)...255).map { vocabulary.modelID(ByteToken.spelling($0)) ?? -1 }
    }

    /// The id of the scalar `text[start..<end]`, which has neither prefix nor suffix; -1 if the vocabulary lacks it.
    @inline(__always)
    func id(_ vocabulary: Vocabulary, _ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int32 {
        if end - start == 1, text[start] < 0x80 { return ascii[Int(text[start])] }
        return vocabulary.modelID(text, start, end) ?? -1
    }

    /// As Hugging Face tokenizers' `merge_word` does it: an unknown symbol waits, so that unknown neighbours can be fused.
    func symbols(_ model: BytePairModel, _ text: Span<UInt8>, _ start: Int, _ end: Int, into symbols: inout [Int32]) {
        var waiting: Int32?
        var at = start
        while at < end {
            let after = at + UTF8Text.scalar(text, at, end).length
            let id = known(model, text, at, after, isFirst: at == start, isLast: after == end)
            if id >= 0 {
                if let unknown = waiting { symbols.append(unknown) }
                waiting = nil
                symbols.append(id)
            } else if !appendBytes(model, text, at, after, isFirst: at == start, isLast: after == end, &symbols) {
                if let unknown = waiting, !model.options.fuseUnknown { symbols.append(unknown) }
                waiting = model.options.unknown
            }
            at = after
        }
        if let unknown = waiting { symbols.append(unknown) }
    }

    private func known(_ model: BytePairModel, _ text: Span<UInt8>, _ at: Int, _ after: Int, isFirst: Bool, isLast: Bool) -> Int32 {
        let options = model.options
        if (isFirst || options.continuingPrefix.isEmpty) && (!isLast || options.endSuffix.isEmpty) {
            return id(model.vocabulary, text, at, after)
        }
        return model.vocabulary.modelID(decorated(options, text, at, after, isFirst, isLast)) ?? -1
    }

    private func decorated(_ options: BytePairOptions, _ text: Span<UInt8>, _ at: Int, _ after: Int, _ isFirst: Bool, _ isLast: Bool)
        -> [UInt8]
    {
        (isFirst ? [] : options.continuingPrefix) + (at..<after).map { text[$0] } + (isLast ? options.endSuffix : [])
    }

    /// Byte fallback: the symbol's bytes as `<0xXX>` tokens, if the vocabulary has them all.
    private func appendBytes(
        _ model: BytePairModel, _ text: Span<UInt8>, _ at: Int, _ after: Int, isFirst: Bool, isLast: Bool, _ symbols: inout [Int32]
    ) -> Bool {
        if !model.options.byteFallback { return false }
        let ids = decorated(model.options, text, at, after, isFirst, isLast).map { byteTokens[Int($0)] }
        if ids.contains(-1) { return false }
        symbols.append(contentsOf: ids)
        return true
    }
}

/// The spelling of byte tokens: `<0x0A>`.
enum ByteToken {
    private static let digits = Array("0123456789ABCDEF".utf8)

    static func spelling(_ byte: UInt8) -> [UInt8] {
        Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]] + Array(">".utf8)
    }

    /// The byte that a token spelled `<0x..>` stands for; lower-case digits count too, as in the reference.
    static func byte(_ spelling: some Collection<UInt8>) -> UInt8? {
        guard spelling.count == 6, spelling.starts(with: Array("<0x".utf8)), spelling.dropFirst(5).first == UInt8(ascii: ">") else {
            return nil
        }
        return UInt8(String(decoding: spelling.dropFirst(3).prefix(2), as: UTF8.self), radix: 16)
    }
}
