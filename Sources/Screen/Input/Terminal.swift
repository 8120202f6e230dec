/// What shows surfaces and reports input: ncurses in the program, `HeadlessTerminal` in tests and scripts.
///
/// All of it is used from one thread, the main one; only `wake` may be called from others.
package protocol Terminal: AnyObject {
    /// The size now, in cells.
    var size: Size { get }
    /// How many colours it can show.
    var depth: ColorDepth { get }
    /// Whether it can show more than ASCII.
    var glyphs: GlyphSet { get }
    /// Wakes a waiting `nextEvent`, from any thread.
    var wake: @Sendable () -> Void { get }

    /// Shows a surface. A surface of another size is cut or padded.
    func present(_ surface: Surface, theme: Theme)
    /// Forgets what is on the screen, so that the next `present` draws all of it.
    func invalidate()
    /// Waits for the next event; nil if none came within `timeout`. With no timeout it waits for ever.
    func nextEvent(timeout: Duration?) -> InputEvent?
    /// Turns mouse reports on or off.
    func setMouse(_ on: Bool)
    /// Puts text on the clipboard, where the terminal allows it.
    func copy(_ text: String)
    /// Gives the terminal back to the shell and stops the program until it is continued.
    func suspend()
    /// Restores the terminal as it was found. Later calls do nothing.
    func close()
}
