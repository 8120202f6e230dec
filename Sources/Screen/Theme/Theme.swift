/// What every role and colour map looks like. Applied last: nothing before a back end knows a colour.
package struct Theme: Hashable, Sendable {
    package enum Variant: String, CaseIterable, Sendable {
        case dark, light, mono, projector
    }

    /// A character with its ASCII form.
    package struct Sign: Hashable, Sendable {
        package var unicode: Unicode.Scalar
        package var ascii: Unicode.Scalar

        package func shown(_ glyphs: GlyphSet) -> Unicode.Scalar { glyphs == .ascii ? ascii : unicode }
    }

    package var name: String
    package var variant: Variant
    /// The styles of the roles, by `Role.index`.
    var styles: [RoleStyle]
    /// The maps, by the raw value of their kind.
    var maps: [ColorMap]
    /// The signs of NaN, +Inf and −Inf.
    package var nan: Sign
    package var posInf: Sign
    package var negInf: Sign

    package func style(_ role: Role) -> RoleStyle { styles[role.index] }
    package func map(_ kind: MapKind) -> ColorMap { maps[Int(kind.rawValue)] }

    /// The depth that this theme uses of a terminal's: a mono theme shows attributes only, everywhere.
    package func depth(on terminal: ColorDepth) -> ColorDepth { variant == .mono ? .mono : terminal }

    /// The glyph, colours and attributes of a cell on a terminal of this depth with these glyphs.
    package func resolve(_ cell: Cell, depth: ColorDepth, glyphs: GlyphSet = .unicode) -> ResolvedCell {
        let depth = self.depth(on: depth)
        var style = resolve(cell.style, depth: depth, glyphs: glyphs)
        style.attributes.formUnion(cell.attributes)
        let glyph = shownGlyph(cell, depth: depth, glyphs: glyphs)
        let isPlain = glyphs == .ascii
        return ResolvedCell(glyph: glyph, marks: isPlain ? [] : cell.marks, width: isPlain ? 1 : cell.width, style: style)
    }

    /// The colours and attributes of a style.
    package func resolve(_ style: Style, depth: ColorDepth, glyphs: GlyphSet = .unicode) -> ResolvedStyle {
        let depth = self.depth(on: depth)
        switch style {
        case .role(let role): return self.style(role).resolved(depth)
        case .heat(let kind, let top, let bottom):
            guard depth.showsHalfBlocks, glyphs == .unicode else { return single(kind, Ramp.larger(kind, top, bottom), depth) }
            let map = map(kind)
            return ResolvedStyle(color(map, top, depth), color(map, bottom, depth))
        case .half(let kind, let level):
            guard depth.showsHalfBlocks, glyphs == .unicode else { return single(kind, level, depth) }
            return ResolvedStyle(color(map(kind), level, depth), background(depth))
        case .onHeat(let kind, let level): return ground(kind, level, depth)
        }
    }

    /// One value a cell: a ramp character on the step's colour; without colour, negative values are underlined.
    private func single(_ kind: MapKind, _ level: UInt8, _ depth: ColorDepth) -> ResolvedStyle {
        guard depth == .mono else { return ground(kind, level, depth) }
        return ResolvedStyle(.standard, .standard, Ramp.isNegative(kind, level) ? .underline : [])
    }

    /// Text on the colour of a level; without colour, larger magnitudes are bold and negative values underlined.
    private func ground(_ kind: MapKind, _ level: UInt8, _ depth: ColorDepth) -> ResolvedStyle {
        guard depth != .mono else {
            let size: Attributes = Ramp.magnitude(kind, level) > 0.5 ? .bold : []
            return ResolvedStyle(.standard, .standard, size.union(Ramp.isNegative(kind, level) ? .underline : []))
        }
        let map = map(kind)
        let step = map.step(level, depth)
        return ResolvedStyle(map.ink(step: step, depth), map.color(step: step, depth))
    }

    private func color(_ map: ColorMap, _ level: UInt8, _ depth: ColorDepth) -> Color {
        map.color(step: map.step(level, depth), depth)
    }

    private func background(_ depth: ColorDepth) -> Color { style(.text).background.color(depth) }

    private func shownGlyph(_ cell: Cell, depth: ColorDepth, glyphs: GlyphSet) -> Unicode.Scalar {
        switch cell.style {
        case .heat, .half: depth.showsHalfBlocks && glyphs == .unicode ? cell.glyph : cell.rampGlyph
        case .role(.nan) where cell.glyph == "N": nan.shown(glyphs)
        case .role(.posInf) where cell.glyph == "▲": posInf.shown(glyphs)
        case .role(.negInf) where cell.glyph == "▼": negInf.shown(glyphs)
        case .role, .onHeat: glyphs.shown(cell.glyph)
        }
    }
}
