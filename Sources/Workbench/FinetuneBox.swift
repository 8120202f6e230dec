import Screen
import Training

/// The form of a finetune: every setting with its value, its default and what it means.
enum FinetuneBox {
    static let start = "start"
    static var names: [String] { [start] + FinetuneForm.places.map(\.name) + Setting.all.map(\.name) }

    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ selection: Int) {
        let inside = Overlay(
            "New finetune", label: "Enter changes  d default  q close", size: Size(min(100, area.width - 6), area.height - 4)
        ).draw(into: &surface, in: area)
        let help = TrainEventsPane.fold(FinetuneBox.help(session, selection), to: inside.width)
        let rows = max(inside.height - 4, 3)
        table(session, selection).draw(into: &surface, in: Rect(inside.x, inside.y, inside.width, rows))
        surface.horizontal(inside.x, inside.y + rows, inside.width, "─", .overlayBorder)
        Prose(lines: help.map { Line($0, .overlay) }).draw(
            into: &surface, in: Rect(inside.x, inside.y + rows + 1, inside.width, inside.height - rows - 1))
    }

    private static func table(_ session: Session, _ selection: Int) -> TableView {
        let columns = [
            TableView.Column("setting", width: .fixed(17)), TableView.Column("value", width: .rest),
            TableView.Column("default", width: .fixed(11)), TableView.Column("", width: .fixed(9)),
        ]
        let names = names
        return TableView(columns, count: names.count, selection: min(selection, names.count - 1)) { row in
            let name = names[row]
            if row == 0 { return [Span("▶ start", .ok), Span("train \(session.finetune.data)", .overlay), Span(""), Span("")] }
            let (value, setting) = (session.finetune.value(name), Setting.find(name))
            let isOwn = value != (setting?.standard ?? "")
            return [
                Span(name, .emphasis), Span(value.isEmpty ? "–" : value, isOwn ? .accent : .overlay),
                Span(setting?.standard ?? "", .dim), Span(setting?.group.rawValue ?? "files", .dim),
            ]
        }
    }

    private static func help(_ session: Session, _ selection: Int) -> String {
        guard let name = names[safe: selection], name != start else {
            return "Begins the run in \(session.finetune.out.isEmpty ? "a new folder for temporary files" : session.finetune.out)."
        }
        if let place = FinetuneForm.places.first(where: { $0.name == name }) { return place.help }
        guard let setting = Setting.find(name) else { return "" }
        return "\(setting.help) (\(setting.form.placeholder))"
    }
}

extension Session {
    /// Keys of the form: Enter begins the run, goes to the next choice, or opens the line for a number or a text.
    mutating func finetuneKey(_ key: Key, _ selection: Int) -> [Effect] {
        let names = FinetuneBox.names
        let name = names[min(max(selection, 0), names.count - 1)]
        switch key.code {
        case .enter: return changeSetting(name)
        case .character("d"): return execute("finetune-set \(name) \(Setting.find(name)?.standard ?? "")")
        case .home: overlay = .finetune(selection: 0)
        case .end: overlay = .finetune(selection: names.count - 1)
        default: overlay = .finetune(selection: key.moved(selection, of: names.count))
        }
        return []
    }

    private mutating func changeSetting(_ name: String) -> [Effect] {
        if name == FinetuneBox.start {
            do throws(CommandError) { return try startFinetune() } catch {
                say(error.text, .error)
                return []
            }
        }
        let choices: [String]
        switch Setting.find(name)?.form {
        case .choice(let words): choices = words
        case .flag: choices = ["on", "off"]
        default:
            line = LineEditor(.command, text: "finetune-set \(name) \(finetune.value(name))")
            return []
        }
        let now = choices.firstIndex(of: finetune.value(name)) ?? 0
        return execute("finetune-set \(name) \(choices[(now + 1) % choices.count])")
    }
}
