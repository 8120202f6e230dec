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
        files = try FileReport(path: path)
        notes = files.notes
        problems = files.problems.map { "\($0)" }
        attempt { try $0.read() }
        attempt { try $0.openTokenizer() }
        attempt { try $0.scanWeights() }
    }

    /// Whether there is more to say than one problem.
    var hasContent: Bool {
        problems.count > 1 || files.weights != nil || files.config != nil || tokenizer != nil || (files.kind == .json && problems.isEmpty)
    }

    /// One line: the first problem, and how many more the list has.
    var complaint: String? {
        guard let first = problems.first else { return nil }
        return problems.count == 1 ? first : "\(first) (\(problems.count - 1) more in the list)"
    }

    private mutating func attempt(_ part: (inout InfoReport) throws -> Void) {
        do { try part(&self) } catch { problems.append("\(error)") }
    }

    private mutating func read() throws {
        guard let config = files.config else { return }
        let reading = try ConfigReading(config)
        notes += reading.notes
        try reading.checkSizes(held: files.weights?.parameterCount)
        self.reading = reading
        guard files.kind == .folder, files.weights != nil, problems.isEmpty else { return }
        // The model's notes repeat those of its parts.
        let model = try Model(path: files.path)
        notes += model.notes.filter { !notes.contains($0) }
    }

    private mutating func openTokenizer() throws {
        guard case .json(let path) = files.tokenizer else { return }
        let tokenizer = try Tokenizer.load(files.kind == .folder ? files.path : path)
        self.tokenizer = tokenizer
        guard let vocabulary = reading?.settings.vocabulary, tokenizer.vocabularyCount > vocabulary else { return }
        notes.append("the tokenizer has ids up to \(tokenizer.vocabularyCount - 1), the model's vocabulary ends at \(vocabulary - 1)")
    }

    /// A short look: opening a large model must not take long.
    private mutating func scanWeights() throws {
        guard let weights = files.weights else { return }
        let scan = try NonFiniteScan(of: weights, timeLimit: .milliseconds(300))
        self.scan = scan
        if let warning = scan.warning { notes.append(warning) }
    }
}
