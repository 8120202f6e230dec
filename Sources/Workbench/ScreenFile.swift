import Screen

/// A saved screen: plain text, text with colours, or a picture, by the name's ending.
package enum ScreenFile {
    package static func contents(of surface: Surface, theme: Theme, path: String) -> String {
        if path.hasSuffix(".svg") { return SurfaceExport.svg(surface, theme: theme) }
        if path.hasSuffix(".ansi") { return SurfaceExport.ansi(surface, theme: theme, depth: .trueColor) }
        return SurfaceExport.text(surface)
    }
}
