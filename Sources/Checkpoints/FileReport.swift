import Foundation
import StrictJSON
import Tensors

/// What can be said of a path without knowing an architecture: the part of `mica info` that this target answers.
/// What is wrong is collected, not thrown, so that a folder with a broken config still tells of its weights.
package struct FileReport: Sendable {
    package enum Kind: String, Sendable {
        case folder, weights, index, config, tokenizer
        /// Another JSON file of a model folder.
        case json
    }

    /// What the tensors of one format come to.
    package struct FormatTotal: Sendable, Equatable {
        package let type: ElementType
        package fileprivate(set) var tensors = 0
        package fileprivate(set) var parameters = 0
        package fileprivate(set) var bytes = 0
    }

    package let path: String
    package let kind: Kind
    /// Of the files that were opened, headers included.
    package private(set) var fileBytes = 0
    package private(set) var config: ConfigFile?
    package private(set) var generationConfig: ConfigFile?
    package private(set) var tokenizer: ModelFolder.Tokenizer = .none
    package private(set) var weights: Checkpoint?
    package private(set) var formats: [FormatTotal] = []
    /// Odd but harmless.
    package private(set) var notes: [String] = []
    package private(set) var problems: [CheckpointError] = []

    package var tensorCount: Int { formats.reduce(0) { $0 + $1.tensors } }
    package var parameterCount: Int { formats.reduce(0) { $0 + $1.parameters } }
    /// Of the tensors alone.
    package var tensorBytes: Int { formats.reduce(0) { $0 + $1.bytes } }

    /// Throws only if nothing is at the path.
    package init(path: String) throws(CheckpointError) {
        self.path = path
        kind = try FileReport.kind(of: path)
        switch kind {
        case .folder: addFolder()
        case .weights, .index: attempt { report throws(CheckpointError) in try report.addWeights() }
        case .config: attempt { report throws(CheckpointError) in report.config = try report.addJSON("config.json") }
        case .json: attempt { report throws(CheckpointError) in _ = try report.addJSON(InputFile.split(path).name) }
        case .tokenizer:
            tokenizer = .json(path: path)
            attempt { report throws(CheckpointError) in try report.addSize(of: path, as: "tokenizer.json") }
        }
    }

    /// By name; a JSON file of another name by what it holds.
    private static func kind(of path: String) throws(CheckpointError) -> Kind {
        if path.isEmpty || path.utf8.contains(0) {
            throw CheckpointError(path, "file", "the path is empty or has a NUL byte", next: "Check the path.")
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw CheckpointError(path, "file", FileError(path: path, code: errno)) }
        if status.st_mode & S_IFMT == S_IFDIR { return .folder }
        let name = InputFile.split(path).name.lowercased()
        guard name.hasSuffix(".json") else { return .weights }
        if name.hasSuffix("index.json") { return .index }
        if name.hasSuffix("tokenizer_config.json") || name.hasSuffix("generation_config.json") || name.hasSuffix("tokens_map.json") {
            return .json
        }
        if name.contains("tokenizer") { return .tokenizer }
        if name.contains("config") { return .config }
        return kind(ofContent: path)
    }

    private static func kind(ofContent path: String) -> Kind {
        let limit = SafetensorsHeader.maximumLength
        guard let object = try? InputFile.object(path, shownAs: path, as: "JSON", limit: limit) else { return .config }
        if object["weight_map"] != nil { return .index }
        if object["model_type"] != nil { return .config }
        return object["added_tokens"] != nil || object["model"] != nil ? .tokenizer : .json
    }

    // MARK: parts

    private mutating func addFolder() {
        attempt { report throws(CheckpointError) in
            let folder = try ModelFolder(path: report.path)
            report.attempt { report throws(CheckpointError) in report.config = try folder.config() }
            report.attempt { report throws(CheckpointError) in report.generationConfig = try folder.generationConfig() }
            report.attempt { report throws(CheckpointError) in report.tokenizer = try folder.tokenizer() }
        }
        attempt { report throws(CheckpointError) in try report.addWeights() }
        if case .other(let name) = tokenizer { notes.append("no tokenizer.json, only \(name), which is not read") }
        if tokenizer == .none { notes.append("no tokenizer: text can be given as ids only") }
    }

    private mutating func addWeights() throws(CheckpointError) {
        let weights = try Checkpoint(path: path)
        self.weights = weights
        notes += weights.notes
        fileBytes += weights.files.reduce(0) { $0 + $1.file.byteCount }
        var totals: [ElementType: FormatTotal] = [:]
        for entry in weights.entries {
            totals[entry.type, default: FormatTotal(type: entry.type)].tensors += 1
            totals[entry.type]?.parameters += entry.elementCount
            totals[entry.type]?.bytes += entry.range.count
        }
        formats = totals.values.sorted { ($0.bytes, $0.tensors, $0.type.rawValue) > ($1.bytes, $1.tensors, $1.type.rawValue) }
    }

    private mutating func addJSON(_ format: String) throws(CheckpointError) -> ConfigFile {
        try addSize(of: path, as: format)
        return try ConfigFile(path: path, format: format)
    }

    private mutating func addSize(of path: String, as format: String) throws(CheckpointError) {
        fileBytes += try InputFile.map(path, shownAs: path, as: format).byteCount
    }

    private mutating func attempt(_ part: (inout FileReport) throws(CheckpointError) -> Void) {
        do { try part(&self) } catch { problems.append(error) }
    }
}
