/// A colour map at every depth. Steps run from the low end to the high end.
package struct ColorMap: Hashable, Sendable {
    package let name: String
    /// 64 levels.
    let rgb: [UInt32]
    /// For 256 colours: lightness rises strictly, on a diverging map from the middle to each end. Nearest colours would not do that.
    let xterm: [UInt8]
    /// Seven of the sixteen ANSI colours, in the order of their lightness in xterm.
    let ansi: [UInt8]

    /// How many steps a depth shows.
    package func count(_ depth: ColorDepth) -> Int {
        switch depth {
        case .trueColor: rgb.count
        case .xterm256: xterm.count
        case .ansi16, .ansi8: ansi.count
        case .mono: 1
        }
    }

    /// The step for a level of `Style.levels`.
    package func step(_ level: UInt8, _ depth: ColorDepth) -> Int {
        min(Int(level), Style.levels - 1) * count(depth) / Style.levels
    }

    /// The colour of a step.
    package func color(step: Int, _ depth: ColorDepth) -> Color {
        switch depth {
        case .trueColor: .rgb(RGB(rgb[step]))
        case .xterm256: .index(xterm[step])
        case .ansi16: .index(ansi[step])
        case .ansi8: .index(ansi[step] % 8)
        case .mono: .standard
        }
    }

    /// The 24-bit colour that comes nearest to what a step looks like.
    package func rgb(step: Int, _ depth: ColorDepth) -> RGB {
        switch color(step: step, depth) {
        case .rgb(let color): color
        case .index(let index): TerminalPalette.rgb(index)
        case .standard: RGB(0)
        }
    }

    /// Black or white, whichever reads better on a step.
    package func ink(step: Int, _ depth: ColorDepth) -> Color {
        let ground = rgb(step: step, depth)
        let isLight = ground.contrast(RGB(0)) > ground.contrast(RGB(0xFFFFFF))
        switch depth {
        case .trueColor: return .rgb(isLight ? RGB(0) : RGB(0xFFFFFF))
        case .xterm256: return .index(isLight ? 16 : 231)
        case .ansi16: return .index(isLight ? 0 : 15)
        case .ansi8: return .index(isLight ? 0 : 7)
        case .mono: return .standard
        }
    }
}

extension ColorMap {
    /// The 256-colour tables were found by dynamic programming: strictly monotone L*, least mean ΔE to the 64-level table.
    package static let viridis = ColorMap(
        name: "viridis", rgb: ColorMapData.viridis, xterm: [53, 54, 25, 60, 31, 66, 36, 72, 78, 113, 148, 184],
        ansi: [0, 4, 5, 2, 6, 3, 11])
    package static let magma = ColorMap(
        name: "magma", rgb: ColorMapData.magma, xterm: [232, 17, 53, 54, 90, 126, 168, 203, 209, 216, 222, 229],
        ansi: [0, 4, 1, 5, 3, 11, 15])
    package static let cividis = ColorMap(
        name: "cividis", rgb: ColorMapData.cividis, xterm: [24, 25, 60, 95, 242, 243, 244, 101, 144, 179, 185, 220],
        ansi: [0, 4, 12, 6, 3, 11, 15])
    package static let berlin = ColorMap(
        name: "berlin", rgb: ColorMapData.berlin, xterm: [147, 75, 31, 24, 237, 234, 233, 234, 52, 88, 131, 174, 217],
        ansi: [14, 6, 4, 0, 1, 3, 11])
    package static let rdBu = ColorMap(
        name: "RdBu", rgb: ColorMapData.rdBu, xterm: [24, 25, 67, 74, 153, 254, 231, 224, 216, 173, 167, 88, 52],
        ansi: [4, 12, 6, 7, 3, 9, 1])
    package static let grey = ColorMap(
        name: "grey",
        rgb: (0..<UInt32(Style.levels)).map {
            let v = 8 + $0 * 247 / 63; return v << 16 | v << 8 | v
        },
        xterm: [232, 234, 236, 238, 240, 242, 244, 245, 247, 249, 251, 252, 253, 254, 255, 231],
        ansi: [0, 8, 8, 7, 7, 15, 15])

    package static let all: [ColorMap] = [.viridis, .magma, .cividis, .berlin, .rdBu, .grey]

    /// The map a theme file names; letter case does not count.
    package static func named(_ name: String) -> ColorMap? {
        all.first { $0.name.lowercased() == name.lowercased() }
    }
}
