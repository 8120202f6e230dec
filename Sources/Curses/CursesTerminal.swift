import CNcurses
import Glibc
import Screen

/// The terminal this program runs in, by ncurses. There is one a process, and one thread uses it.
package final class CursesTerminal: Terminal {
    package internal(set) var size: Size
    package let depth: ColorDepth
    package let glyphs: GlyphSet
    package let wake: @Sendable () -> Void = { cn_wake() }
    /// What the user should know about how the terminal was opened, one sentence each.
    package private(set) var notices: [String] = []
    /// The colour behind the text, once the terminal has told it: `.wake` comes with it.
    package internal(set) var background: RGB?
    /// How the link does; `isSlow` belongs into the status line.
    package internal(set) var link = LinkMeter()

    var modes: TerminalModes
    var decoder = KeyDecoder()
    var events: [InputEvent] = []
    let escapeDelay: Duration
    /// When what the decoder holds counts as complete.
    var patience: ContinuousClock.Instant?
    /// Another job has the terminal: nothing is read or written.
    var isParked = false
    /// The terminal will never answer again.
    var isGone = false
    var isOpen = true
    /// The terminal was asked about itself and has not finished answering.
    var awaitsAnswers = false
    var showsUpdatesAtOnce = false
    let opened = ContinuousClock.now

    private var encoder: RowEncoder?
    /// What the screen shows, row by row; an empty row is unknown.
    private var shown: [[cn_cell]] = []
    private var pending: Frame?
    private var lastFrame: ContinuousClock.Instant?
    /// Where an interrupted frame goes on.
    private var nextRow = 0
    private var caret: Point?

    private struct Frame {
        var surface: Surface
        var theme: Theme
    }

    package init(_ options: TerminalOptions = TerminalOptions()) throws(TerminalError) {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { throw .notATerminal }
        guard let term = options.environment["TERM"], !term.isEmpty else { throw .unset }
        let profile = TerminalProfile(term: term, requested: options.color, environment: options.environment)
        glyphs = cn_locale(options.ascii ? 1 : 0) == 1 ? .unicode : .ascii
        escapeDelay = options.escapeDelay
        modes = TerminalModes(family: profile.family, mouse: options.mouse)
        cn_guard()
        cn_set_modes(modes.enter, modes.leave)
        if let notice = try CursesTerminal.open(profile, term, options.terminfoFolder) { notices.append(notice) }
        depth = profile.depth(colors: Int(cn_colors()))
        size = Size(Int(cn_columns()), Int(cn_rows()))
        decoder = KeyDecoder(keys: KeySequences.ofTerminal())
        cn_capture_output()
        ask()
    }

    /// Opens the entry of the profile, or the next best. What was not as wished comes back as a notice.
    private static func open(_ profile: TerminalProfile, _ term: String, _ folder: String?) throws(TerminalError) -> String? {
        // Duplicates: the program's own output is caught while the screen is up.
        let (input, output) = (fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3))
        var entries = [profile.entry, term, profile.fallback]
        if profile.entry.hasPrefix("mica-"), folder == nil { entries.removeFirst() }
        for entry in entries {
            switch Int(cn_open(entry, folder, input, output)) {
            case CN_OK: return entry == entries[0] ? nil : "'\(VisibleText.line(term))' is not known here: drawing as \(entry)"
            case CN_UNKNOWN_TERMINAL: continue
            case CN_NO_CURSOR_MOTION: throw .noCursorMotion(VisibleText.line(entry))
            default: throw .cannotOpen(VisibleText.line(entry))
            }
        }
        throw .cannotOpen(VisibleText.line(term))
    }

    /// Asks the terminal about itself; the answers come as input.
    private func ask() {
        guard modes.family != .other else { return }
        awaitsAnswers = true
        cn_write(TerminalReport.questions, TerminalReport.questions.utf8.count, 100)
    }

    deinit { close() }

    package func close() {
        guard isOpen else { return }
        isOpen = false
        if awaitsAnswers, !isGone { swallowAnswers() }
        cn_close()
        cn_release_output()
    }

    // MARK: Drawing

    package func present(_ surface: Surface, theme: Theme) {
        pending = Frame(surface: surface, theme: theme)
        drawIfDue()
    }

    package func invalidate() {
        guard isOpen, !isParked else { return }
        forgetScreen()
        cn_repaint_all()
    }

    /// Nothing is known of what the screen shows.
    func forgetScreen() {
        shown = []
        // A surface of the old size would only flash up.
        pending = nil
    }

    /// When the frame that waits may be drawn; nil when none waits.
    var due: ContinuousClock.Instant? {
        guard pending != nil, !isParked, !isGone else { return nil }
        guard let lastFrame else { return .now }
        return lastFrame + link.interval
    }

    func drawIfDue() {
        guard let frame = pending, let due, due <= .now, isOpen else { return }
        var encoder = self.encoder ?? RowEncoder(frame.theme, depth: depth, glyphs: glyphs)
        self.encoder = nil
        if encoder.pairs.styles.theme != frame.theme, encoder.use(frame.theme) { shown = [] }
        encoder.coarseness = link.isCoarse ? 4 : 1
        let isWhole = draw(frame.surface, &encoder)
        self.encoder = encoder
        lastFrame = .now
        if isWhole { pending = nil }
    }

    /// Draws the rows that differ; false when a key came in between: then the rest is drawn later, or a newer frame instead.
    private func draw(_ surface: Surface, _ encoder: inout RowEncoder) -> Bool {
        if shown.count != size.height { (shown, nextRow) = (Array(repeating: [], count: size.height), 0) }
        link.beginFrame()
        var bytes = 0
        for left in stride(from: size.height - 1, through: 0, by: -1) {
            if put(surface, row: nextRow, &encoder) { bytes += encoder.bytes }
            nextRow = (nextRow + 1) % size.height
            guard left > 0, bytes > link.pieceSize else { continue }
            flush(bytes)
            bytes = 0
            if cn_has_input() == 1 { return false }
        }
        let isMoved = caret != surface.caret
        moveCaret(surface.caret)
        if bytes > 0 || isMoved { flush(bytes) }
        link.endFrame()
        return true
    }

    private func put(_ surface: Surface, row: Int, _ encoder: inout RowEncoder) -> Bool {
        encoder.encode(surface, row: row, width: size.width)
        // A row with clusters is always sent: its cells only point at the text.
        guard !encoder.clusters.isEmpty || !RowEncoder.areEqual(encoder.cells, shown[row]) else { return false }
        cn_put(Int32(row), 0, encoder.cells, Int32(encoder.cells.count), encoder.clusters, Int32(encoder.clusters.count))
        shown[row] = encoder.cells
        return true
    }

    private func moveCaret(_ point: Point?) {
        if let point, point.x < size.width, point.y < size.height {
            cn_show_cursor(Int32(point.y), Int32(point.x))
        } else if caret != nil {
            cn_hide_cursor()
        }
        caret = point
    }

    private func flush(_ bytes: Int) {
        let start = ContinuousClock.now
        cn_flush(showsUpdatesAtOnce ? 1 : 0)
        link.record((.now - start) / .milliseconds(1), bytes: bytes)
    }

    // MARK: Small things

    package func setMouse(_ on: Bool) {
        modes.mouse = on
        if isOpen, !isParked { cn_set_modes(modes.enter, modes.leave) }
    }

    package func copy(_ text: String) {
        guard isOpen, !isParked, modes.family != .other, let sequence = Clipboard.sequence(text) else { return }
        cn_write(sequence, sequence.utf8.count, 500)
    }
}
