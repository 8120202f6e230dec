/// What each scalar may do on a screen.
enum ScalarRules {
    /// Where a joiner is meant: inside an emoji or inside an Indic word.
    enum Joiner { case emoji, indic }

    /// The visible form of a scalar that must not be printed; nil if it may be.
    ///
    /// Printed are assigned characters up to Unicode 14, the version of the C library's `wcwidth` on Debian 12: of a newer one neither
    /// the library nor the terminal knows the width.
    static func escape(_ scalar: Unicode.Scalar) -> String? {
        let value = scalar.value
        if value < 0x20 || (0x7F...0x9F).contains(value) { return VisibleText.hex(UInt8(value)) }
        if value < 0xAD { return nil }
        return isPrintable(scalar) ? nil : VisibleText.codePoint(scalar)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        switch properties.generalCategory {
        case .unassigned, .privateUse, .surrogate, .control, .format, .lineSeparator, .paragraphSeparator: return false
        default: break
        }
        if properties.isDefaultIgnorableCodePoint { return false }
        guard let age = properties.age else { return false }
        return age.major <= 14
    }

    /// Whether a scalar may stand in a cell. Arrows, lines, blocks and braille are let through quickly.
    static func isDrawable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0x2190...0x21FF, 0x2500...0x28FF: true
        default: escape(scalar) == nil
        }
    }

    /// Whether a scalar is drawn over the one before it.
    static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x300 && CellWidth.of(scalar) == 0 && isPrintable(scalar)
    }

    /// Whether `scalar` is a joiner or selector in a place where it means something.
    static func joiner(_ scalar: Unicode.Scalar, before: Unicode.Scalar?, next: Unicode.Scalar?) -> Joiner? {
        guard let before else { return nil }
        switch scalar.value {
        case 0x200D:
            if let next, isEmojiPart(before), isEmojiBase(next) { return .emoji }
            return isIndicPair(before, next) ? .indic : nil
        case 0x200C: return isIndicPair(before, next) ? .indic : nil
        case 0xFE0E, 0xFE0F: return before.properties.isEmoji ? .emoji : nil
        default: return nil
        }
    }

    /// An emoji, but not a digit or sign that can become one.
    static func isEmojiBase(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x203C && scalar.properties.isEmoji && !scalar.properties.isEmojiModifier
    }

    private static func isEmojiPart(_ scalar: Unicode.Scalar) -> Bool {
        isEmojiBase(scalar) || scalar.properties.isEmojiModifier || scalar.value == 0xFE0F
    }

    private static func isIndicPair(_ before: Unicode.Scalar, _ next: Unicode.Scalar?) -> Bool {
        guard let next else { return false }
        return isIndic(before) && isIndic(next)
    }

    /// The blocks from Devanagari to Sinhala, Myanmar and Khmer.
    private static func isIndic(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0900...0x0DFF, 0x1000...0x109F, 0x1780...0x17FF: true
        default: false
        }
    }
}
