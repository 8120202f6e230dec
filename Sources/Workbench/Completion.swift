import Engine
import Foundation
import Models
import Screen
import Tensors
import Training

/// What Tab offers.
package enum Completion {
    /// Whole lines that begin like the text.
    package static func lines(_ text: String, session: Session) -> [String] {
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1 else { return Command.all.map(\.name).filter { $0.hasPrefix(text) }.sorted() }
        guard let command = Command.find(parts[0]) else { return [] }
        if ["compare", "diff"].contains(command.name) { return comparing(text, session) }
        return words(command, session).filter { $0.hasPrefix(parts[1]) }.prefix(200).map { "\(parts[0]) \($0)" }
    }

    private static func words(_ command: Command, _ session: Session) -> [String] {
        switch command.arguments {
        case let text where text.contains("NAME"):
            choices(text) + (session.snapshot.map { $0.stepper.program.values.map(\.name) } ?? [])
        case let text where text.contains("THEME"): session.themes
        case let text where text.contains("QUIRK"): session.quirks.listed.map(\.name)
        case let text where text.hasPrefix("KEY"): FinetuneForm.places.map(\.name) + Setting.all.map(\.name)
        case let text where text.contains("SCREEN"): PageCatalogue.all.map { $0.id.rawValue }
        default: choices(command.arguments)
        }
    }

    /// The last word of a comparison by the one before it.
    private static func comparing(_ text: String, _ session: Session) -> [String] {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let (head, last) = (words.dropLast().joined(separator: " "), words[words.count - 1])
        let found =
            switch words.dropLast().last {
            case "policy": Policy.Preset.allCases.map(\.rawValue) + NumberFormat.all.map(\.name) + Paths.beginning(last)
            case "quirk": quirks(last, session)
            case "edits": ["none"] + Paths.beginning(last)
            case "kernel": Array(Set(OpCatalogue.all.flatMap { $0.samples.flatMap { $0.op.kernels.map(\.name) } })).sorted()
            case "dump": Paths.beginning(last)
            default: (words[0] == "compare" ? CompareVariant.keywords : []) + Paths.beginning(last)
            }
        let distinct = found.filter { $0.hasPrefix(last) }.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        return distinct.prefix(200).map { "\(head) \($0)" }
    }

    /// The last of several, behind its comma.
    private static func quirks(_ word: String, _ session: Session) -> [String] {
        let first = word.lastIndex(of: ",").map { String(word[...$0]) } ?? ""
        return (session.quirks.listed.map(\.name) + (first.isEmpty ? ["none"] : [])).map { first + $0 }
    }

    /// The words of `[linear|log]` that are typed as they stand.
    private static func choices(_ arguments: String) -> [String] {
        guard arguments.contains("|") else { return [] }
        let words = arguments.split { $0 == "|" || $0 == " " }.map { $0.filter { $0 != "[" && $0 != "]" } }
        return words.filter { $0.first?.isLowercase == true }
    }
}

/// Files and folders whose path begins with what was typed.
enum Paths {
    static func beginning(_ typed: String) -> [String] {
        let folder = typed.lastIndex(of: "/").map { String(typed[...$0]) } ?? ""
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
        let shown = names.filter { !$0.hasPrefix(".") && (folder + $0).hasPrefix(typed) }.sorted()
        return shown.map { folder + $0 + (isFolder(folder + $0) ? "/" : "") }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}
