/// A step from tokens back to text. Tokens are the bytes of their spellings.
protocol TokenDecoder: Sendable {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]]
    /// The bytes of text that a token stands for wherever it stands, whether or not they are UTF-8 on their own.
    func bytes(_ token: [UInt8]) -> [UInt8]
    /// How many bytes one byte of a token can become at most.
    var growth: Int { get }
}

extension TokenDecoder {
    func bytes(_ token: [UInt8]) -> [UInt8] { token }
    var growth: Int { 1 }
}

/// `ByteLevel`: scalars of the byte-level alphabet become their bytes. A token with any other scalar is text as it stands.
struct ByteLevelDecoder: TokenDecoder {
    func bytes(_ token: [UInt8]) -> [UInt8] { ByteAlphabet.bytes(of: token.span) ?? token }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        [Array(String(decoding: tokens.flatMap(bytes), as: UTF8.self).utf8)]
    }
}

/// `ByteFallback`: runs of `<0x..>` tokens become the text that their bytes spell, or a � a byte if they spell none.
struct ByteFallbackDecoder: TokenDecoder {
    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    var growth: Int { 3 }

    func bytes(_ token: [UInt8]) -> [UInt8] { ByteToken.byte(token).map { [$0] } ?? token }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var run: [UInt8] = []
        for token in tokens {
            if let byte = ByteToken.byte(token) {
                run.append(byte)
            } else {
                Self.end(&run, into: &result)
                result.append(token)
            }
        }
        Self.end(&run, into: &result)
        return result
    }

    private static func end(_ run: inout [UInt8], into result: inout [[UInt8]]) {
        if run.isEmpty { return }
        let isText = String(validating: run, as: UTF8.self) != nil
        if isText { result.append(run) } else { result += run.map { _ in replacement } }
        run = []
    }
}

/// `Fuse`: all tokens become one.
struct FuseDecoder: TokenDecoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] { [tokens.flatMap { $0 }] }
}

/// `Replace`, in every token.
struct ReplaceDecoder: TokenDecoder {
    let pattern: ReplacementPattern
    let content: [UInt8]

    var growth: Int { 2 + content.count }

    func bytes(_ token: [UInt8]) -> [UInt8] { decode([token]).first ?? token }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var replacer = Replacer(pattern, content)
        return tokens.map { token in
            var out: [UInt8] = []
            replacer.replace(token.span, 0, token.count, into: &out)
            return out
        }
    }
}

/// `Strip`: up to so many of one character away from the ends of every token.
struct StripDecoder: TokenDecoder {
    let content: [UInt8]
    let start: Int
    let stop: Int

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] { tokens.map { Array(strippedRight(strippedLeft($0[...]))) } }

    private func strippedLeft(_ token: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var token = token
        for _ in 0..<start {
            guard token.starts(with: content) else { break }
            token = token.dropFirst(content.count)
        }
        return token
    }

    private func strippedRight(_ token: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var token = token
        for _ in 0..<stop {
            guard token.count >= content.count, token.suffix(content.count).elementsEqual(content) else { break }
            token = token.dropLast(content.count)
        }
        return token
    }
}

/// `Metaspace`: ▁ becomes a space, but for the one in front of the text.
struct MetaspaceDecoder: TokenDecoder {
    let replacement: [UInt8]
    let prepend: MetaspaceStage.Prepend

    func bytes(_ token: [UInt8]) -> [UInt8] { spaced(token, [0x20]) }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in spaced(token, index == 0 && prepend != .never ? [] : [0x20]) }
    }

    private func spaced(_ token: [UInt8], _ space: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        Replacer(.literal(replacement), space).replaceLiteral(token.span, 0, token.count, into: &out)
        return out
    }
}

/// `BPEDecoder`: the suffix of words becomes a space, at the end nothing.
struct WordSuffixDecoder: TokenDecoder {
    let suffix: [UInt8]

    func bytes(_ token: [UInt8]) -> [UInt8] { replaced(token, [0x20]) }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in replaced(token, index == tokens.count - 1 ? [] : [0x20]) }
    }

    private func replaced(_ token: [UInt8], _ content: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        Replacer(.literal(suffix), content).replaceLiteral(token.span, 0, token.count, into: &out)
        return out
    }
}

/// One decoder after the other.
struct DecoderChain: TokenDecoder {
    let decoders: [any TokenDecoder]

    var growth: Int { decoders.reduce(1) { Growth.product($0, $1.growth) } }

    func bytes(_ token: [UInt8]) -> [UInt8] { decoders.reduce(token) { $1.bytes($0) } }
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] { decoders.reduce(tokens) { $1.decode($0) } }
}

/// No decoder: tokens with a space between them.
struct SpacedDecoder: TokenDecoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] { [Array(tokens.joined(separator: [0x20]))] }
}

/// How much longer a file may make a text: a list of replacements that doubles it a hundred times is refused when it is loaded.
enum Growth {
    static let limit = 1024

    static func product(_ a: Int, _ b: Int) -> Int {
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? Int.max : product
    }
}
