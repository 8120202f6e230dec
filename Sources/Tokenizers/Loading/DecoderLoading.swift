import StrictJSON

/// Reading `decoder`.
enum DecoderLoading {
    private static let maximumDecoders = 64

    static func decoder(_ top: Section) throws(TokenizerError) -> any TokenDecoder {
        guard let section = try top.section("decoder") else { return SpacedDecoder() }
        let decoders = try decoders(section, 0)
        if decoders.count > maximumDecoders { throw top.error("decoder has \(decoders.count) steps, limit \(maximumDecoders)") }
        let chain = DecoderChain(decoders: decoders)
        if chain.growth > Growth.limit {
            throw top.error("decoder can make a text \(chain.growth) times longer, limit \(Growth.limit)", "Do not use this file.")
        }
        return chain
    }

    private static func decoders(_ section: Section, _ depth: Int) throws(TokenizerError) -> [any TokenDecoder] {
        switch try section.kind() {
        case "Sequence":
            if depth >= Section.maximumDepth { throw section.error("\(section.path) is nested deeper than \(Section.maximumDepth)") }
            var result: [any TokenDecoder] = []
            for item in try section.sections("decoders") { result += try decoders(item, depth + 1) }
            return result
        case "ByteLevel": return [ByteLevelDecoder()]
        case "ByteFallback": return [ByteFallbackDecoder()]
        case "Fuse": return [FuseDecoder()]
        case "Replace":
            let content = Array(try section.requiredString("content").utf8)
            return [ReplaceDecoder(pattern: try section.replacementPattern(), content: content)]
        case "Strip": return [try strip(section)]
        case "Metaspace":
            let stage = try StageLoading.metaspace(section)
            return [MetaspaceDecoder(replacement: stage.replacement, prepend: stage.prepend)]
        case "BPEDecoder": return [try wordSuffix(section)]
        case let kind:
            let known = "Sequence, ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, BPEDecoder"
            throw section.unsupported("decoder", kind, known: known)
        }
    }

    private static func strip(_ section: Section) throws(TokenizerError) -> StripDecoder {
        var content: [UInt8] = []
        UTF8Text.append(try StageLoading.character(section, "content", default: " "), to: &content)
        let start = try section.integer("start", in: 0...Int(Int32.max)) ?? 0
        return StripDecoder(content: content, start: start, stop: try section.integer("stop", in: 0...Int(Int32.max)) ?? 0)
    }

    private static func wordSuffix(_ section: Section) throws(TokenizerError) -> WordSuffixDecoder {
        let suffix = try section.string("suffix") ?? "</w>"
        if suffix.isEmpty { throw section.error("\(section.name("suffix")) is empty") }
        return WordSuffixDecoder(suffix: Array(suffix.utf8))
    }
}
