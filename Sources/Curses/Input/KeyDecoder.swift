import Screen

/// Turns the bytes of a terminal into events. Bytes may come in pieces of any size.
///
/// A sequence that is not known is swallowed whole, so that its letters never fire commands; text between the marks of a bracketed paste
/// is one event. An Escape that nothing follows is a key once the caller's patience is over: then it calls `flush`.
package struct KeyDecoder {
    /// What the bytes meant: an event of the user, or the terminal's answer to a question of ours.
    package enum Result: Hashable, Sendable {
        case event(InputEvent)
        case report(TerminalReport)
    }

    /// What the front of the bytes that wait is.
    enum Step {
        /// So many bytes that mean this, or nothing.
        case used(Int, Result?)
        /// So many bytes after which a paste begins.
        case paste(Int)
        /// It goes on: only more bytes, or the end of patience, decide.
        case incomplete
    }

    /// A longer paste comes in several events.
    static let longestPaste = 1 << 20

    /// The sequences of this terminal's keys by its terminfo entry; they come before the general ones.
    private let keys: [[UInt8]: Key]
    private let longestKey: Int
    private var waiting: [UInt8] = []
    private var pasted: [UInt8]?

    package init(keys: [[UInt8]: Key] = [:]) {
        self.keys = keys
        longestKey = keys.keys.map(\.count).max() ?? 0
    }

    /// Whether bytes wait for more.
    package var isWaiting: Bool { !waiting.isEmpty || pasted != nil }

    /// Whether the waiting bytes belong to a paste.
    package var isPasting: Bool { pasted != nil }

    /// Takes bytes and gives what is certain.
    package mutating func feed(_ bytes: some Sequence<UInt8>) -> [Result] {
        waiting += bytes
        return drain()
    }

    /// Nothing came for a while: what waits is all there is.
    package mutating func flush() -> [Result] {
        if pasted != nil { return endPaste(dropping: 0, keeping: 0) }
        var results: [Result] = []
        while !waiting.isEmpty {
            results += forceFront()
            results += drain()
        }
        return results
    }

    private mutating func drain() -> [Result] {
        var results: [Result] = []
        while !waiting.isEmpty {
            if pasted != nil {
                guard let more = paste() else { break }
                results += more
                continue
            }
            guard let result = takeFront() else { break }
            results += result
        }
        return results
    }

    /// Uses up the front; nil while it is incomplete.
    private mutating func takeFront() -> [Result]? {
        switch step(waiting[...]) {
        case .incomplete: return nil
        case .paste(let count):
            waiting.removeFirst(count)
            pasted = []
            return []
        case .used(let count, let result):
            waiting.removeFirst(count)
            return result.map { [$0] } ?? []
        }
    }

    /// Decides about a front that is still incomplete: Escape and a letter are an Alt key, a longer rest is a broken sequence.
    private mutating func forceFront() -> [Result] {
        let bytes = waiting
        waiting = []
        guard bytes[0] == ASCII.escape else { return [] }
        if bytes.count == 1 { return [.event(.key(Key(.escape)))] }
        guard bytes.count == 2, case .used(_, .event(.key(var key))) = plain(bytes[1...]) else { return [] }
        if key.code == .escape { return [.event(.key(key)), .event(.key(key))] }
        key.modifiers.insert(.alt)
        return [.event(.key(key))]
    }

    // MARK: The front of what waits

    func step(_ bytes: ArraySlice<UInt8>) -> Step {
        if let key = tableKey(bytes) { return key }
        guard bytes.first == ASCII.escape else { return plain(bytes) }
        guard let second = bytes.dropFirst().first else { return .incomplete }
        switch second {
        case UInt8(ascii: "["): return ControlSequence.read(bytes)
        case UInt8(ascii: "O"): return singleShift(bytes)
        case UInt8(ascii: "]") where startsText(bytes), UInt8(ascii: "P") where startsText(bytes): return TerminalReport.readString(bytes)
        case UInt8(ascii: "]") where bytes.count == 2, UInt8(ascii: "P") where bytes.count == 2: return .incomplete
        case ASCII.escape: return escaped(bytes)
        default: return plain(bytes.dropFirst()).shifted(by: 1).adding(.alt)
        }
    }

    /// A key by terminfo: the longest that fits; incomplete when a longer one may still come.
    private func tableKey(_ bytes: ArraySlice<UInt8>) -> Step? {
        guard bytes.first == ASCII.escape else { return nil }
        for count in stride(from: min(longestKey, bytes.count), to: 1, by: -1) {
            if let key = keys[Array(bytes.prefix(count))] { return .used(count, .event(.key(key))) }
        }
        return nil
    }

    /// Whether a string the terminal sends begins: no key is followed by these so quickly.
    private func startsText(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let third = bytes.dropFirst(2).first else { return false }
        return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(third) || third == UInt8(ascii: ">") || third == UInt8(ascii: "!")
    }

    /// Escape twice: Alt with a special key, as some terminals send it, or two key presses.
    private func escaped(_ bytes: ArraySlice<UInt8>) -> Step {
        guard let third = bytes.dropFirst(2).first else { return .incomplete }
        guard third == UInt8(ascii: "[") || third == UInt8(ascii: "O") else { return .used(1, .event(.key(Key(.escape)))) }
        return step(bytes.dropFirst()).shifted(by: 1).adding(.alt)
    }

    /// `ESC O x`: the application mode of arrows and the keypad.
    private func singleShift(_ bytes: ArraySlice<UInt8>) -> Step {
        var modifiers: Key.Modifiers = []
        var rest = bytes.dropFirst(2)
        while let digit = rest.first, (UInt8(ascii: "1")...UInt8(ascii: "8")).contains(digit) || digit == UInt8(ascii: ";") {
            if digit != UInt8(ascii: ";") { modifiers = KeySequences.modifiers(Int(digit - UInt8(ascii: "0"))) }
            rest = rest.dropFirst()
        }
        guard let last = rest.first else { return .incomplete }
        let count = bytes.count - rest.count + 1
        guard let code = KeySequences.singleShift(last) else { return .used(count, nil) }
        return .used(count, .event(.key(Key(code, modifiers))))
    }

    /// A character or a control, without Escape before it.
    private func plain(_ bytes: ArraySlice<UInt8>) -> Step {
        guard let first = bytes.first else { return .incomplete }
        if first < 0x80 { return .used(1, .event(.key(KeySequences.control(first)))) }
        return ASCII.scalar(bytes)
    }

    // MARK: Paste

    /// Moves bytes into the paste; nil when its end has not come.
    private mutating func paste() -> [Result]? {
        let end: [UInt8] = [ASCII.escape] + Array("[201~".utf8)
        var index = 0
        while index + end.count <= waiting.count {
            if waiting[index] == ASCII.escape, waiting[index..<index + end.count].elementsEqual(end) {
                return endPaste(dropping: end.count, keeping: index)
            }
            index += 1
        }
        // The last bytes may be the beginning of the end.
        let certain = max(0, waiting.count - end.count + 1)
        pasted?.append(contentsOf: waiting.prefix(certain))
        waiting.removeFirst(certain)
        guard let pasted, pasted.count >= KeyDecoder.longestPaste else { return nil }
        self.pasted = []
        return [.event(.paste(ASCII.pasteText(pasted)))]
    }

    private mutating func endPaste(dropping: Int, keeping: Int) -> [Result] {
        let kept = dropping == 0 ? waiting[...] : waiting.prefix(keeping)
        let text = (pasted ?? []) + kept
        waiting.removeFirst(kept.count + dropping)
        pasted = nil
        return [.event(.paste(ASCII.pasteText(text)))]
    }
}

extension KeyDecoder.Step {
    /// The same, with bytes in front that belong to it.
    func shifted(by count: Int) -> KeyDecoder.Step {
        guard case .used(let used, let result) = self else { return self }
        return .used(used + count, result)
    }

    /// The same, a key with one more modifier.
    func adding(_ modifier: Key.Modifiers) -> KeyDecoder.Step {
        guard case .used(let used, .event(.key(var key))) = self else { return self }
        key.modifiers.insert(modifier)
        return .used(used, .event(.key(key)))
    }
}
