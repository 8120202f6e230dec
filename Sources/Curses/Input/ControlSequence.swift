import Screen

/// A sequence `ESC [ parameters intermediates final`, whatever it means.
struct ControlSequence {
    /// The byte `<`, `=`, `>` or `?` before the parameters.
    private var marker: UInt8?
    /// The numbers; −1 where one is left out. Sub-parameters after a colon are dropped.
    private var parameters: [Int] = []
    private var intermediates: [UInt8] = []
    private var final: UInt8 = 0

    /// A sequence longer than this is nobody's: its beginning is dropped.
    private static let longest = 64

    /// Reads the sequence at the front.
    static func read(_ bytes: ArraySlice<UInt8>) -> KeyDecoder.Step {
        let body = bytes.dropFirst(2)
        guard let first = body.first else { return .incomplete }
        // The Linux console's F1 to F5.
        if first == UInt8(ascii: "[") { return console(body.dropFirst(), used: 4) }
        guard let end = body.firstIndex(where: { !(0x20...0x3F).contains($0) }) else {
            return body.count > longest ? .used(bytes.count, nil) : .incomplete
        }
        let used = end - bytes.startIndex + 1
        // Something that may not stand in a sequence ends it, and is looked at by itself.
        guard (0x40...0x7E).contains(bytes[end]) else { return .used(used - 1, nil) }
        let sequence = ControlSequence(body[..<end], final: bytes[end])
        // The oldest mouse report: three bytes follow.
        if sequence.isBare, sequence.final == UInt8(ascii: "M") { return MouseReport.readOld(bytes, used: used) }
        if sequence.final == UInt8(ascii: "~"), sequence.parameters.first == 200 { return .paste(used) }
        return .used(used, sequence.meaning)
    }

    private static func console(_ rest: ArraySlice<UInt8>, used: Int) -> KeyDecoder.Step {
        guard let letter = rest.first else { return .incomplete }
        guard (UInt8(ascii: "A")...UInt8(ascii: "E")).contains(letter) else { return .used(used, nil) }
        return .used(used, .event(.key(Key(.function(Int(letter - UInt8(ascii: "A")) + 1)))))
    }

    private init(_ body: ArraySlice<UInt8>, final: UInt8) {
        self.final = final
        var rest = body
        if let first = rest.first, (UInt8(ascii: "<")...UInt8(ascii: "?")).contains(first) {
            marker = first
            rest = rest.dropFirst()
        }
        intermediates = rest.filter { $0 < 0x30 }
        let numbers = rest.filter { $0 >= 0x30 }
        guard !numbers.isEmpty else { return }
        parameters = numbers.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map { field in
            let digits = field.prefix { $0 != UInt8(ascii: ":") }
            return Int(String(decoding: digits.prefix(9), as: UTF8.self)) ?? -1
        }
    }

    private var isBare: Bool { marker == nil && parameters.isEmpty && intermediates.isEmpty }

    private func parameter(_ index: Int, default value: Int) -> Int {
        parameters.indices.contains(index) && parameters[index] >= 0 ? parameters[index] : value
    }

    private var meaning: KeyDecoder.Result? {
        switch marker {
        case UInt8(ascii: "<"): return MouseReport.read(parameters, isRelease: final == UInt8(ascii: "m"))
        case UInt8(ascii: "?"): return TerminalReport.read(parameters, intermediates, final)
        case nil where intermediates.isEmpty: return key.map { .event(.key($0)) }
        default: return nil
        }
    }

    private var key: Key? {
        let modifiers = KeySequences.modifiers(parameter(1, default: 1))
        switch final {
        case UInt8(ascii: "~"):
            let number = parameter(0, default: 0)
            if number == 27 { return KeySequences.codePoint(parameter(2, default: -1), modifiers) }
            return KeySequences.numbered(number).map { Key($0, modifiers) }
        case UInt8(ascii: "u"): return KeySequences.codePoint(parameter(0, default: -1), modifiers)
        case UInt8(ascii: "Z"): return Key(.tab, modifiers.union(.shift))
        default:
            // A cursor position report ends in R too; a key has 1 before its modifiers.
            guard parameter(0, default: 1) == 1, parameters.count <= 2 else { return nil }
            return KeySequences.letter(final).map { Key($0, modifiers) }
        }
    }
}
