import CNcurses
import Screen

/// What terminals send for keys: the sequences that xterm and its kin agree on, and the table of terminfo for the rest.
enum KeySequences {
    /// A byte below 128 that stands alone.
    static func control(_ byte: UInt8) -> Key {
        switch byte {
        case 0x0D, 0x0A: Key(.enter)
        case 0x09: Key(.tab)
        case 0x08, 0x7F: Key(.backspace)
        case ASCII.escape: Key(.escape)
        case 0x00: .control(" ")
        case 0x01...0x1A: .control(Unicode.Scalar(byte + 0x60))
        case 0x1C...0x1F: .control(Unicode.Scalar(byte + 0x40))
        default: Key(Unicode.Scalar(byte))
        }
    }

    /// The last byte of `ESC O x`.
    static func singleShift(_ byte: UInt8) -> Key.Code? {
        if let code = letter(byte) { return code }
        switch byte {
        case UInt8(ascii: "M"): return .enter
        // The keypad: * + , - . / 0…9
        case 0x6A...0x79: return .character(Unicode.Scalar(byte - 0x40))
        case UInt8(ascii: "X"): return .character("=")
        default: return nil
        }
    }

    /// The last byte of `ESC [ x`, with or without modifiers before it.
    static func letter(_ byte: UInt8) -> Key.Code? {
        switch byte {
        case UInt8(ascii: "A"): .up
        case UInt8(ascii: "B"): .down
        case UInt8(ascii: "C"): .right
        case UInt8(ascii: "D"): .left
        case UInt8(ascii: "H"): .home
        case UInt8(ascii: "F"): .end
        case UInt8(ascii: "P"): .function(1)
        case UInt8(ascii: "Q"): .function(2)
        case UInt8(ascii: "R"): .function(3)
        case UInt8(ascii: "S"): .function(4)
        default: nil
        }
    }

    /// The number of `ESC [ n ~`.
    static func numbered(_ number: Int) -> Key.Code? {
        switch number {
        case 1, 7: .home
        case 2: .insert
        case 3: .delete
        case 4, 8: .end
        case 5: .pageUp
        case 6: .pageDown
        case 11...15: .function(number - 10)
        case 17...21: .function(number - 11)
        case 23...26: .function(number - 12)
        case 28, 29: .function(number - 13)
        case 31...34: .function(number - 14)
        default: nil
        }
    }

    /// The modifiers of xterm's parameter: 1 plus a sum of 1 shift, 2 alt, 4 control.
    static func modifiers(_ parameter: Int) -> Key.Modifiers {
        guard parameter > 1 else { return [] }
        var result: Key.Modifiers = []
        if (parameter - 1) & 1 != 0 { result.insert(.shift) }
        if (parameter - 1) & 2 != 0 { result.insert(.alt) }
        if (parameter - 1) & 4 != 0 { result.insert(.control) }
        return result
    }

    /// A key by its code point, as newer protocols send it (`CSI code ; modifiers u`).
    static func codePoint(_ value: Int, _ modifiers: Key.Modifiers) -> Key? {
        guard let scalar = UInt32(exactly: value).flatMap(Unicode.Scalar.init) else { return nil }
        guard scalar.isASCII, scalar.value < 0x20 || scalar.value == 0x7F else {
            // Shift is part of a character.
            return scalar.value < 0xE000 || scalar.value > 0xF8FF ? Key(.character(scalar), modifiers.subtracting(.shift)) : nil
        }
        var key = control(UInt8(scalar.value))
        key.modifiers.formUnion(modifiers)
        return key
    }

    /// The names of keys in terminfo.
    private static let capabilities: [(String, Key)] = [
        ("kcuu1", Key(.up)), ("kcud1", Key(.down)), ("kcub1", Key(.left)), ("kcuf1", Key(.right)), ("khome", Key(.home)),
        ("kend", Key(.end)), ("kpp", Key(.pageUp)), ("knp", Key(.pageDown)), ("kich1", Key(.insert)), ("kdch1", Key(.delete)),
        ("kcbt", Key(.tab, .shift)), ("kLFT", Key(.left, .shift)), ("kRIT", Key(.right, .shift)), ("kHOM", Key(.home, .shift)),
        ("kEND", Key(.end, .shift)), ("kri", Key(.up, .shift)), ("kind", Key(.down, .shift)),
    ]

    /// The sequences of the open terminal's keys, as far as they begin with Escape.
    static func ofTerminal() -> [[UInt8]: Key] {
        let functions = (1...12).map { ("kf\($0)", Key(.function($0))) }
        var table: [[UInt8]: Key] = [:]
        for (name, key) in capabilities + functions {
            guard let text = cn_key_text(name) else { continue }
            let bytes = Array(String(cString: text).utf8)
            if bytes.count > 2, bytes[0] == ASCII.escape { table[bytes] = key }
        }
        return table
    }
}
