import Engine
import Models
import Screen

/// The whole screen from one session: tabs, panes, status, hints, boxes.
package enum Drawing {
    package static func draw(_ session: Session) -> Surface {
        var surface = Surface(session.size)
        guard Breakpoint(session.size) != .none else {
            Breakpoint.drawTooSmall(into: &surface)
            return surface
        }
        let frame = ScreenFrame(session.size)
        drawTabs(session, &surface, frame.tabs)
        drawPanes(session, &surface)
        StatusLine(PageCatalogue.page(session.page).status(session), right: RunLine.line(session)).draw(into: &surface, in: frame.status)
        drawHints(session, &surface, frame.hints)
        Boxes.draw(session, &surface, frame.panes)
        return surface
    }

    /// The panes of the page, focus aside.
    package static func allPanes(_ session: Session) -> [PanePlace] {
        let area = ScreenFrame(session.size).panes
        return PageCatalogue.page(session.page).layout(session, area).filter { !$0.rect.isEmpty }
    }

    /// The panes that are drawn: all, or the focused one where it is zoomed or the screen is small.
    package static func panes(_ session: Session) -> [PanePlace] {
        let all = allPanes(session)
        guard !all.isEmpty, Breakpoint(session.size) != .none else { return [] }
        guard session.isZoomed || Breakpoint(session.size) == .single else { return all }
        return [PanePlace(all[focusIndex(session, all.count)].pane, ScreenFrame(session.size).panes)]
    }

    package static func focused(_ session: Session) -> PanePlace? {
        let all = allPanes(session)
        guard !all.isEmpty else { return nil }
        let place = all[focusIndex(session, all.count)]
        return panes(session).count == 1 ? panes(session)[0] : place
    }

    private static func focusIndex(_ session: Session, _ count: Int) -> Int { min(session.focus[session.page] ?? 0, count - 1) }

    private static func drawTabs(_ session: Session, _ surface: inout Surface, _ rect: Rect) {
        let items = PageCatalogue.all.map { Tabs.Item("\($0.key)", $0.title) }
        let active = PageCatalogue.all.firstIndex { $0.id == session.page } ?? 0
        let page = PageCatalogue.page(session.page)
        Tabs(items, active: active, label: page.label(session), shorter: page.shorterLabels(session)).draw(into: &surface, in: rect)
    }

    private static func drawPanes(_ session: Session, _ surface: inout Surface) {
        let focused = focused(session)
        for place in panes(session) {
            let isFocused = place.rect == focused?.rect
            let inside = surface.box(place.rect, title: place.pane.title(session), label: place.pane.label(session), focused: isFocused)
            surface.clipped(to: inside) { place.pane.draw(session, &$0, inside, focused: isFocused) }
        }
    }

    private static func drawHints(_ session: Session, _ surface: inout Surface, _ rect: Rect) {
        if let line = session.line {
            PromptLine(line.prompt, line.text, cursor: line.cursor, completions: line.completions, selectedCompletion: line.selection)
                .draw(into: &surface, in: rect)
        } else if let message = session.message {
            message.draw(into: &surface, in: rect)
        } else if let busy = session.busy {
            surface.put(rect.x + 1, rect.y, Line("… \(busy)", .accent), width: rect.width - 2)
        } else {
            HintBar(hints(session)).draw(into: &surface, in: rect)
        }
    }

    /// The page's own first, then what always helps; the way to all others is never cut off.
    package static func hints(_ session: Session) -> [HintBar.Hint] {
        let bindings = KeyMap.all.filter { $0.hint != nil && ($0.page == nil || $0.page == session.page) }
        var own = PageCatalogue.page(session.page).hints(session)
        own.insert(HintBar.Hint("?", "help"), at: min(own.count, 4))
        let here = bindings.filter { $0.page != nil }
        let ordered = here + bindings.filter { binding in binding.page == nil && !here.contains { $0.keys == binding.keys } }
        return own + ordered.map { HintBar.Hint($0.keys, $0.hint ?? "") }.filter { hint in !own.contains { $0.name == hint.name } }
    }
}

/// Where the run stands; on every screen.
package enum RunLine {
    /// At the right of the tabs: which model, which prompt.
    package static func label(_ session: Session) -> String {
        guard let model = session.model else { return session.busy ?? "" }
        let tokens =
            session.snapshot.map { $0.past > 0 ? "\($0.ids.count) tokens, the last from the cache" : "\($0.ids.count) tokens" } ?? ""
        let adapter = session.adapter.map { $0.isShown ? "  + \($0.name) \($0.mode.words)" : "" } ?? ""
        return "\(marks(session))\(name(model))\(adapter)  \(tokens)  \(policy(session)?.title ?? "")"
    }

    /// Without the tokens; then without the model's name; then of the formats only what was changed live.
    package static func shorterLabels(_ session: Session) -> [String] {
        guard let model = session.model, let policy = policy(session) else { return [] }
        let (marks, own) = (marks(session), policy.title)
        let live = own.split(separator: " ").last.map(String.init) ?? own
        return ["\(marks)\(name(model))  \(own)", "\(marks)\(own)", "\(marks)\(live)"]
    }

    /// Before what some screens say instead: which formats were switched live.
    package static func live(_ session: Session) -> String {
        guard let policy = policy(session), !policy.live.isEmpty else { return "" }
        return (policy.title.split(separator: " ").last.map(String.init) ?? "") + "  "
    }

    private static func policy(_ session: Session) -> Policy? { session.snapshot?.stepper.policy }
    private static func name(_ model: Model) -> String { model.path.split(separator: "/").last.map(String.init) ?? model.path }

    /// How many edits and quirks there are.
    private static func marks(_ session: Session) -> String {
        let edits = session.edits.items.isEmpty ? "" : "✎\(session.edits.items.count)  "
        return edits + (session.quirks.on.isEmpty ? "" : "\(QuirkWords.sign)\(session.quirks.on.count)  ")
    }

    /// At the right of the status line: the cursor of the run.
    package static func line(_ session: Session) -> Line {
        // A finetune's own line needs the room, unless its batch is what the cursor walks through.
        let isElsewhere = session.page == .train && session.training != nil && session.training?.walk == nil
        guard let snapshot = session.snapshot, !isElsewhere else { return [] }
        let walking = snapshot.walking
        let depth = snapshot.inner.isEmpty ? "" : "inside "
        let sign = snapshot.isRunning ? "▶" : walking.isFinished ? "■" : "‖"
        if let renewal = snapshot.renewal { return [Span("▶ again \(renewal.done)/\(renewal.total)", .statusKey)] }
        let next = walking.next.map { Names.short(walking.program.values[$0].name) } ?? "end"
        return [Span("\(sign) \(depth)\(walking.cursor)/\(walking.program.steps.count) \(next)", .statusKey)]
    }
}

/// Names shortened for the eye; never invented.
package enum Names {
    /// `model.layers.3.self_attn.q_proj` → `3 · self_attn · q_proj`.
    package static func short(_ name: String) -> String {
        if name.hasPrefix("grad:") {
            let parts = name.dropFirst(5).split(separator: " via ", maxSplits: 1).map { short(String($0)) }
            return "grad:" + parts.joined(separator: " via ")
        }
        var parts = name.split(separator: ".").map(String.init)
        if parts.count > 1, ["model", "transformer"].contains(parts[0]) { parts.removeFirst() }
        // Inside a block the number says where; the block's own value keeps its word.
        if parts.count > 2, Int(parts[1]) != nil { parts.removeFirst() }
        return parts.joined(separator: " · ")
    }
}
