import Screen

extension Command {
    static let appCommands: [Command] = [
        Command("help", .app, "keys and commands; type to filter") { session, _ throws(CommandError) in
            session.overlay = .help(filter: "", scroll: 0)
            return []
        },
        Command("palette", .app, "all commands, by typing a part of them") { session, _ throws(CommandError) in
            session.overlay = .palette(filter: "", selection: 0)
            return []
        },
        Command("command", .app, "the command line") { session, _ throws(CommandError) in
            session.line = LineEditor(.command)
            return []
        },
        Command("open", "PATH", .app, "open another model folder") { session, arguments throws(CommandError) in
            guard !arguments.text.isEmpty else { throw CommandError("which folder?") }
            (session.busy, session.message) = ("opening", nil)
            return [.engine(.open(path: arguments.text))]
        },
        Command("prompt", "TEXT", .app, "run another prompt") { session, arguments throws(CommandError) in
            guard session.model != nil else { throw CommandError("no model is open") }
            guard !arguments.text.isEmpty else { throw CommandError("the prompt is empty") }
            return session.start(.text(arguments.text))
        },
        Command("ids", "1,2,3", .app, "run token ids as the prompt") { session, arguments throws(CommandError) in
            let parts = arguments.text.split { $0 == "," || $0 == " " }
            let ids = parts.compactMap { Int($0) }
            guard !ids.isEmpty, ids.count == parts.count else { throw CommandError("ids are whole numbers, separated by commas") }
            return session.start(.ids(ids))
        },
        Command("edit-prompt", .app, "edit the prompt and run it again") { session, _ throws(CommandError) in
            if session.promptText.isEmpty, let ids = session.snapshot?.ids {
                session.line = LineEditor(.command, text: "ids " + ids.map(String.init).joined(separator: ","))
            } else {
                session.line = LineEditor(.command, text: "prompt " + session.promptText)
            }
            return []
        },
        Command("theme", "[THEME]", .app, "change the colours") { session, arguments throws(CommandError) in
            guard let name = arguments[0] else {
                session.overlay = .themes(selection: session.themes.firstIndex(of: session.theme) ?? 0, before: session.theme)
                return []
            }
            session.theme = name
            return [.theme(name)]
        },
        Command("themes", .app, "choose a theme, with a preview") { session, _ throws(CommandError) in
            session.overlay = .themes(selection: session.themes.firstIndex(of: session.theme) ?? 0, before: session.theme)
            return []
        },
        Command("presenter", .app, "the focused pane alone, in the projector theme, and back") { session, _ throws(CommandError) in
            session.isPresenting.toggle()
            session.isZoomed = session.isPresenting
            return [.theme(session.isPresenting ? "projector" : session.theme)]
        },
        Command("mouse", "[on|off]", .app, "the mouse: click focuses, the wheel scrolls; Shift-drag selects text") {
            session, arguments throws(CommandError) in
            session.isMouseOn = arguments[0].map { $0 == "on" } ?? !session.isMouseOn
            session.say(session.isMouseOn ? "mouse on — Shift-drag selects text" : "mouse off")
            return [.mouse(session.isMouseOn)]
        },
        Command("copy", "[NAME[…] from RUN]", .data, "the selected row as tab-separated numbers to the clipboard; or another run's numbers")
        {
            session, arguments throws(CommandError) in
            if !arguments.text.isEmpty { return [try session.edit(.copy, arguments.text)] }
            guard let tensor = session.selectedTensor else { throw CommandError("the value has not been computed yet") }
            let plane = session.slice.plane(of: tensor)
            let row = (0..<plane.shape[1]).map { Numbers.exact(Float(plane.value(at: [session.place.row, $0]) ?? .nan)) }
            session.say("row \(session.place.row): \(row.count) numbers copied")
            return [.copy(row.joined(separator: "\t"))]
        },
        Command("export", "FILE.tsv", .data, "the selected plane as tab-separated numbers, to a file") {
            session, arguments throws(CommandError) in
            guard let path = arguments[0] else { throw CommandError("which file?") }
            guard let tensor = session.selectedTensor else { throw CommandError("the value has not been computed yet") }
            let plane = session.slice.plane(of: tensor)
            let rows = (0..<plane.shape[0]).map { r in
                (0..<plane.shape[1]).map { Numbers.exact(Float(plane.value(at: [r, $0]) ?? .nan)) }.joined(separator: "\t")
            }
            return [.write(rows.joined(separator: "\n") + "\n", to: path)]
        },
        Command("save-screen", "FILE.txt|FILE.svg|FILE.ansi", .data, "the screen as text, as a picture, or as text with colours") {
            session, arguments throws(CommandError) in
            guard let path = arguments[0], [".txt", ".svg", ".ansi"].contains(where: path.hasSuffix) else {
                throw CommandError("a file that ends in .txt, .svg or .ansi")
            }
            return [.saveScreen(path)]
        },
        Command("record", "[FILE]", .data, "write the commands from here on to a file that `mica play` replays; again ends it") {
            session, arguments throws(CommandError) in
            if let log = session.recording {
                session.recording = nil
                session.say("recorded \(log.lines.count) commands")
                return [.write(CommandScript.text(log, session), to: log.path)]
            }
            guard let path = arguments[0] else { throw CommandError("which file?") }
            session.recording = CommandLog(path: path, lines: CommandScript.opening(session))
            session.say("recording; :record ends it")
            return []
        },
        Command("escape", .app, "cancel a key sequence or a message") { session, _ throws(CommandError) in
            session.message = nil
            return []
        },
        Command("redraw", .app, "draw the whole screen again") { _, _ throws(CommandError) in [.redraw] },
        Command("suspend", .app, "back to the shell; fg returns") { _, _ throws(CommandError) in [.suspend] },
        Command("back", .app, "close the box, unzoom, leave the op, else quit") { session, _ throws(CommandError) in
            if session.isPresenting { return session.execute("presenter") }
            if session.isZoomed { return session.execute("zoom") }
            if session.snapshot?.inner.isEmpty == false { return [.engine(.stepOut)] }
            if session.snapshot?.isRunning == true { throw CommandError("a run is on its way: C-c stops it, :q quits") }
            return [.quit]
        },
        Command("quit", aliases: ["q", "q!"], .app, "leave the workbench") { _, _ throws(CommandError) in [.quit] },
    ]
}
