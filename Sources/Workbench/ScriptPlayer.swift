import Engine
import Foundation
import Screen

/// Plays a script without a terminal: commands and keys through the workbench's own `update`, with the engine in line, so that each line
/// sees all that the line before has done.
package struct ScriptPlayer {
    package var workbench: InlineWorkbench
    private let catalogue: ThemeCatalogue
    private var theme: Theme
    /// Set by `quit`: the lines behind are not played.
    private var hasQuit = false
    /// Where relative models are looked for first.
    private let folder: String
    /// Gets the screen at each `# screen NAME`.
    private let show: (String, Surface, Theme) -> Void

    /// `folder` is the script's own.
    package init(
        _ workbench: InlineWorkbench, catalogue: ThemeCatalogue, folder: String,
        show: @escaping (String, Surface, Theme) -> Void = { _, _, _ in }
    ) {
        self.workbench = workbench
        self.catalogue = catalogue
        self.folder = folder
        self.show = show
        theme = (try? catalogue.theme(workbench.session.theme)) ?? ThemeCatalogue.fallback
    }

    package var session: Session { workbench.session }

    /// Plays all lines, or stops at the first that fails.
    package mutating func play(_ text: String, name: String) throws(ScriptError) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() where !hasQuit {
            do { try play(line: String(line)) } catch { throw ScriptError(script: name, line: index + 1, problem: error.text) }
        }
    }

    private mutating func play(line: String) throws(ScriptProblem) { try play(ScriptLine(line)) }

    private mutating func play(_ line: ScriptLine) throws(ScriptProblem) {
        switch line {
        case .nothing: break
        case .attempt(let line): try? play(line)
        case .command(let command): try send(.command(resolved(command)))
        case .keys(let keys): for key in keys { try send(.input(.key(key))) }
        case .mouse(let event): try send(.input(.mouse(event)))
        case .size(let size): try send(.input(.resize(size)))
        case .expect(let wanted): try expect(wanted, isThere: true)
        case .expectNot(let unwanted): try expect(unwanted, isThere: false)
        case .hash(let name, let digits): try compare(name, digits)
        case .screen(let name): show(name, Drawing.draw(session), theme)
        }
    }

    private mutating func send(_ action: Action) throws(ScriptProblem) {
        workbench.session.message = nil
        for effect in workbench.send(action) { try perform(effect) }
        if let message = session.message, message.kind == .error { throw ScriptProblem(message.text) }
    }

    // MARK: the world outside

    private mutating func perform(_ effect: Effect) throws(ScriptProblem) {
        switch effect {
        case .quit: hasQuit = true
        case .theme(let name): try setTheme(name)
        case .saveScreen(let path): try write(ScreenFile.contents(of: Drawing.draw(session), theme: theme, path: path), to: path)
        case .write(let text, let path): try write(text, to: path)
        case .engine, .suspend, .redraw, .mouse, .copy: break
        }
    }

    private mutating func setTheme(_ name: String) throws(ScriptProblem) {
        do { theme = try catalogue.theme(name) } catch { throw ScriptProblem("\(error)") }
    }

    private func write(_ text: String, to path: String) throws(ScriptProblem) {
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
            throw ScriptProblem("cannot write \(path): \(error.localizedDescription)")
        }
    }

    /// A model that lies beside the script, else as it was written.
    private func resolved(_ line: String) -> String {
        let word = line.prefix { $0 != " " }
        let path = String(line.dropFirst(word.count).drop { $0 == " " })
        guard Command.find(String(word))?.name == "open", !path.isEmpty, !path.hasPrefix("/") else { return line }
        let beside = "\(folder)/\(path)"
        return FileManager.default.fileExists(atPath: beside) ? "\(word) \(beside)" : line
    }

    // MARK: checks

    /// Blanks count as one, so that a script does not depend on columns.
    private func expect(_ text: String, isThere: Bool) throws(ScriptProblem) {
        let screen = Drawing.draw(session).rows
        let isFound = screen.contains { $0.contains(text) || $0.squeezed.contains(text.squeezed) }
        if isFound != isThere { throw ScriptProblem(isThere ? "the screen does not show '\(text)'" : "the screen shows '\(text)'") }
    }

    private func compare(_ name: String, _ digits: String) throws(ScriptProblem) {
        guard let wanted = UInt64(digits, radix: 16) else {
            throw ScriptProblem("'\(digits)' is no hash; a hash has 1 to 16 hexadecimal digits")
        }
        guard let stepper = session.snapshot?.stepper, let id = stepper.program.id(of: name) else {
            throw ScriptProblem("there is no value '\(name)'")
        }
        guard let found = stepper.statistics(id)?.hash else { throw ScriptProblem("\(name) has not been computed, its hash was \(digits)") }
        if found != wanted { throw ScriptProblem("\(name) differs: its hash is \(String(found, radix: 16)), it was \(digits)") }
    }
}

extension String {
    fileprivate var squeezed: String { split(separator: " ").joined(separator: " ") }
}
