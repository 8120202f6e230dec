/// How many colours a terminal shows.
package enum ColorDepth: String, CaseIterable, Sendable {
    case trueColor = "true"
    case xterm256 = "256"
    case ansi16 = "16"
    case ansi8 = "8"
    case mono

    /// Whether a heat cell can show two colours, one above the other. With fewer colours it shows one, and a ramp character.
    package var showsHalfBlocks: Bool { self == .trueColor || self == .xterm256 }
}

/// A colour as a terminal takes it.
package enum Color: Hashable, Sendable {
    /// The terminal's own foreground or background.
    case standard
    /// One of the terminal's palette: 0–15, or 0–255 with xterm's cube and greys.
    case index(UInt8)
    case rgb(RGB)
}

/// Colours and attributes as a back end needs them.
package struct ResolvedStyle: Hashable, Sendable {
    package var foreground: Color
    package var background: Color
    package var attributes: Attributes

    package init(_ foreground: Color, _ background: Color, _ attributes: Attributes = []) {
        (self.foreground, self.background, self.attributes) = (foreground, background, attributes)
    }

    package static let plain = ResolvedStyle(.standard, .standard)
}

/// A cell ready for a terminal: glyph and colours.
package struct ResolvedCell: Hashable, Sendable {
    package var glyph: Unicode.Scalar
    package var marks: [Unicode.Scalar]
    package var width: UInt8
    package var style: ResolvedStyle
}

/// The palettes of terminals.
package enum TerminalPalette {
    /// The names of the sixteen ANSI colours in theme files.
    package static let names = [
        "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "bright-black", "bright-red", "bright-green",
        "bright-yellow", "bright-blue", "bright-magenta", "bright-cyan", "bright-white",
    ]

    /// The colours of xterm for the sixteen; a user's terminal may have others.
    private static let ansi: [UInt32] = [
        0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5, 0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00,
        0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
    ]

    /// The colour of a number from 0 to 255.
    package static func rgb(_ index: UInt8) -> RGB {
        let number = Int(index)
        if number < 16 { return RGB(ansi[number]) }
        if number >= 232 { return RGB(UInt8(8 + 10 * (number - 232)), UInt8(8 + 10 * (number - 232)), UInt8(8 + 10 * (number - 232))) }
        let steps: [UInt8] = [0, 95, 135, 175, 215, 255]
        let cube = number - 16
        return RGB(steps[cube / 36], steps[cube / 6 % 6], steps[cube % 6])
    }

    /// The nearest of xterm's cube and greys. The first sixteen are left out: users change them.
    package static func nearest256(_ color: RGB) -> UInt8 {
        nearest(color, 16...255)
    }

    package static func nearest16(_ color: RGB) -> UInt8 {
        nearest(color, 0...15)
    }

    private static func nearest(_ color: RGB, _ range: ClosedRange<UInt8>) -> UInt8 {
        let wanted = color.lab
        return range.map { ($0, labs[Int($0)].squaredDistance(wanted)) }.min { $0.1 < $1.1 }?.0 ?? range.lowerBound
    }

    private static let labs: [Lab] = (UInt8.min...UInt8.max).map { rgb($0).lab }
}
