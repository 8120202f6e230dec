import Engine
import Foundation
import Tensors

/// Edits as text: one a line, in the words of the workbench's command line; `run NAME = "TEXT"` names a prompt to copy from,
/// `run NAME = ids 1,2,3` one that is given by its tokens; `#` begins a comment.
package struct EditFile: Sendable, Hashable {
    package struct Run: Sendable, Hashable {
        package let name: String
        package let prompt: RunPrompt
    }

    package var edits: [Edit] = []
    package var runs: [Run] = []

    package init(edits: [Edit] = [], runs: [Run] = []) {
        self.edits = edits
        self.runs = runs
    }

    /// Reads the text of a file; errors name it and the line.
    package init(_ text: String, name: String) throws(EditError) {
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let bare = line.trimmingCharacters(in: .whitespaces)
            guard !bare.isEmpty, !bare.hasPrefix("#") else { continue }
            do throws(EditError) { try read(bare) } catch { throw EditError("\(name):\(number + 1): \(error.rule)") }
        }
    }

    /// A file of at most 1 MiB.
    package init(path: String) throws(EditError) {
        guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.read(upToCount: 1 << 20 + 1) ?? Data() else {
            throw EditError("cannot read \(path)")
        }
        guard data.count <= 1 << 20, let text = String(validating: data, as: UTF8.self) else {
            throw EditError("\(path) is no UTF-8 text of at most 1 MiB")
        }
        try self.init(text, name: path)
    }

    private mutating func read(_ line: String) throws(EditError) {
        guard line.hasPrefix("run ") else { return edits.append(try Edit(line)) }
        let run = try RunPrompt.definition(String(line.dropFirst(4)))
        if runs.contains(where: { $0.name == run.name }) { throw EditError("run \(run.name) is named twice") }
        runs.append(run)
    }

    package var text: String {
        (runs.map { "run \($0.name) = \($0.prompt)" } + edits.map(\.description)).joined(separator: "\n") + "\n"
    }

    /// The runs made, each to its end, and the edits with them.
    package func set(for model: Model, policy: Policy, budget: Int = 1 << 30) throws -> EditSet {
        var set = EditSet(edits)
        for run in runs { set.runs[run.name] = try run.prompt.run(model, policy: policy, budget: budget) }
        return set
    }
}

/// What a run beside the present one reads.
package enum RunPrompt: Sendable, Hashable, CustomStringConvertible {
    case text(String)
    case ids([Int])

    package var description: String {
        switch self {
        case .text(let text): "\"\(text)\""
        case .ids(let ids): "ids " + ids.map(String.init).joined(separator: ",")
        }
    }

    /// Reads `B = "TEXT"` or `B = ids 1,2,3`.
    package static func definition(_ line: String) throws(EditError) -> EditFile.Run {
        let parts = line.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        guard parts.count == 2, !parts[0].isEmpty, !parts[0].contains(" "), !parts[1].isEmpty else {
            throw EditError("a run is written run B = \"TEXT\" or run B = ids 1,2,3")
        }
        return EditFile.Run(name: parts[0], prompt: try RunPrompt(parts[1]))
    }

    /// Text, with or without quotes, or `ids 1,2,3`.
    package init(_ text: String) throws(EditError) {
        guard text.hasPrefix("ids ") else {
            let isQuoted = text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
            self = .text(isQuoted ? String(text.dropFirst().dropLast()) : text)
            return
        }
        let words = text.dropFirst(4).split(separator: ",", omittingEmptySubsequences: false)
        let ids = words.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        guard ids.count == words.count else { throw EditError("ids are whole numbers, separated by commas") }
        self = .ids(ids)
    }

    package func ids(for model: Model) throws -> [Int] {
        switch self {
        case .ids(let ids): return ids
        case .text(let text):
            guard let tokenizer = model.tokenizer else {
                throw PromptError(rule: model.tokenizerProblem ?? "there is no tokenizer; use ids")
            }
            return tokenizer.encode(text).map(Int.init)
        }
    }

    /// A finished, unedited pass.
    package func run(_ model: Model, policy: Policy, budget: Int) throws -> EditRun {
        let ids = model.quirked(try ids(for: model))
        var stepper = try model.stepper(ids: ids, caches: true, policy: policy, keep: .all(budget: budget))
        _ = try stepper.run(to: .end)
        return EditRun(ids: ids, stepper: stepper)
    }
}
