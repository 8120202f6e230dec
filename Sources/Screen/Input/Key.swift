/// A key press, as the program sees it: what was pressed, with which modifiers.
package struct Key: Hashable, Sendable {
    /// The key itself. Shift is part of a character (`A`, `?`), a modifier only of special keys.
    package enum Code: Hashable, Sendable {
        case character(Unicode.Scalar)
        case enter, tab, backspace, escape
        case up, down, left, right
        case home, end, pageUp, pageDown, insert, delete
        case function(Int)
    }

    package struct Modifiers: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let control = Modifiers(rawValue: 1)
        package static let alt = Modifiers(rawValue: 2)
        package static let shift = Modifiers(rawValue: 4)
    }

    package var code: Code
    package var modifiers: Modifiers

    package init(_ code: Code, _ modifiers: Modifiers = []) {
        (self.code, self.modifiers) = (code, modifiers)
    }

    /// A plain character key.
    package init(_ character: Unicode.Scalar) {
        self.init(.character(character))
    }

    /// Control with a letter: `Key.control("c")`.
    package static func control(_ character: Unicode.Scalar) -> Key {
        Key(.character(character), .control)
    }

    /// The character this key types into a line, if it types one.
    package var typed: Unicode.Scalar? {
        guard case .character(let scalar) = code, modifiers.isEmpty else { return nil }
        return scalar
    }
}
