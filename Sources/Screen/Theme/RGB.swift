import Foundation

/// A colour in sRGB.
package struct RGB: Hashable, Sendable {
    package var red: UInt8
    package var green: UInt8
    package var blue: UInt8

    package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        (self.red, self.green, self.blue) = (red, green, blue)
    }

    /// The colour `0xRRGGBB`.
    package init(_ value: UInt32) {
        self.init(UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF))
    }

    /// Reads `#rrggbb`.
    package init?(hex text: some StringProtocol) {
        guard text.hasPrefix("#"), text.utf8.count == 7, let value = UInt32(text.dropFirst(), radix: 16) else { return nil }
        self.init(value)
    }

    package var value: UInt32 { UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue) }

    /// `#rrggbb`.
    package var hex: String {
        let digits = String(value, radix: 16)
        return "#" + String(repeating: "0", count: 6 - digits.utf8.count) + digits
    }

    /// Relative luminance, 0 to 1 (WCAG 2.1).
    package var luminance: Double {
        let (r, g, b) = linear
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast ratio of two colours, 1 to 21 (WCAG 2.1).
    package func contrast(_ other: RGB) -> Double {
        let (bright, dark) = (max(luminance, other.luminance), min(luminance, other.luminance))
        return (bright + 0.05) / (dark + 0.05)
    }

    /// CIE L*a*b* under D65.
    package var lab: Lab {
        let (r, g, b) = linear
        let x = RGB.labCurve((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
        let y = RGB.labCurve(0.2126729 * r + 0.7151522 * g + 0.0721750 * b)
        let z = RGB.labCurve((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883)
        return Lab(l: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z))
    }

    /// The colour between this one and another.
    package func mixed(with other: RGB, _ share: Double) -> RGB {
        func mix(_ p: UInt8, _ q: UInt8) -> UInt8 { UInt8((Double(p) * (1 - share) + Double(q) * share).rounded()) }
        return RGB(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
    }

    private var linear: (Double, Double, Double) {
        (RGB.linearised(red), RGB.linearised(green), RGB.linearised(blue))
    }

    private static func linearised(_ channel: UInt8) -> Double {
        let value = Double(channel) / 255
        return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }

    private static func labCurve(_ t: Double) -> Double {
        t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116
    }
}

/// A colour by how it looks: lightness from 0 to 100, and two opponent axes.
package struct Lab: Hashable, Sendable {
    package var l: Double
    package var a: Double
    package var b: Double

    /// The square of CIE76's difference.
    func squaredDistance(_ other: Lab) -> Double {
        (l - other.l) * (l - other.l) + (a - other.a) * (a - other.a) + (b - other.b) * (b - other.b)
    }
}
