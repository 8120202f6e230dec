import Checkpoints
import Models
import Screen
import Tokenizers

/// What `mica info` says: what the files hold by themselves (`FileReport`), and what the architecture and the tokenizer make of it.
struct InfoReport {
    let files: FileReport
    private(set) var reading: ConfigReading?
    private(set) var tokenizer: Tokenizer?
    private(set) var notes: [String]
    private(set) var problems: [String]
    private(set) var scan: NonFiniteScan?

    /// Throws only if there is nothing at the path.
    init(path: String) throws {
        files = try FileReport(path: path, scanning: false)
        notes = files.notes
        problems = files.problems.map { "\($0)" }
        attempt { try $0.read() }
        attempt { try $0.openTokenizer() }
        attempt { try $0.scanWeights() }
    }

    /// Whether anything could be read at all.
    var hasContent: Bool { files.weights != nil || files.config != nil || tokenizer != nil || (files.kind == .json && problems.isEmpty) }

    private mutating func attempt(_ part: (inout InfoReport) throws -> Void) {
        do { try part(&self) } catch { problems.append("\(error)") }
    }

    private mutating func read() throws {
        guard let config = files.config else { return }
        let reading = try ConfigReading(config)
        notes += reading.notes
        try reading.checkSizes(held: files.weights?.parameterCount)
        self.reading = reading
        guard files.kind == .folder, files.weights != nil else { return }
        // The model's notes repeat those of its parts.
        let model = try Model(path: files.path)
        notes += model.notes.filter { !notes.contains($0) }
    }

    private mutating func openTokenizer() throws {
        if case .json(let path) = files.tokenizer { tokenizer = try Tokenizer.load(path) }
    }

    /// A short look: opening a large model must not take long.
    private mutating func scanWeights() throws {
        guard let weights = files.weights else { return }
        let scan = try NonFiniteScan(of: weights, timeLimit: .milliseconds(300))
        self.scan = scan
        if let warning = scan.warning { notes.append(warning) }
    }
}
