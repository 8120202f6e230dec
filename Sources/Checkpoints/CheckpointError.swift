import StrictJSON
import Tensors

/// Why a file was not loaded or not written: which file, which rule of which format, and what to do about it.
/// Names and values from the file stand in it as they are; they are made harmless where text is rendered.
package struct CheckpointError: Error, CustomStringConvertible, Sendable {
    package let path: String
    /// What the file was read as: `safetensors`, `config.json`, …
    package let format: String
    package let rule: String
    package let nextStep: String
    /// `cannot load`, `cannot write`.
    package let failure: String
    /// Nothing lies at the path.
    package let isMissing: Bool

    package init(
        _ path: String, _ format: String, _ rule: String, next: String, failure: String = "cannot load", isMissing: Bool = false
    ) {
        self.path = path
        self.format = format
        self.rule = rule
        self.nextStep = next
        self.failure = failure
        self.isMissing = isMissing
    }

    /// The operating system refused, or the path does not lead to a regular file.
    package init(_ path: String, _ format: String, _ error: FileError) {
        self.init(path, format, error.rule, next: CheckpointError.advice(on: error.rule), isMissing: error.isMissing)
    }

    /// A text that had to be a JSON object and is not.
    package init(_ path: String, _ format: String, _ error: JSONError, next: String) {
        self.init(path, format, "not a JSON object: \(error)", next: next)
    }

    /// `field` has a value that is none of those known here.
    package static func unsupported(_ path: String, _ format: String, _ field: String, _ value: String, supported: [String])
        -> CheckpointError
    {
        let list = supported.joined(separator: ", ")
        return CheckpointError(
            path, format, "\(field) \(quoted(value)) unsupported; supported: \(list)", next: "Use a checkpoint with one of these.")
    }

    package var description: String { "\(failure) \(path): \(format): \(rule). \(nextStep)" }

    /// A name or value from a file between quotes, its beginning only if it is long.
    package static func quoted(_ text: String) -> String { "'\(JSONError.excerpt(text))'" }

    private static func advice(on rule: String) -> String {
        switch rule {
        case "Permission denied": "Make it readable (chmod u+r) or run as its owner."
        case "No such file or directory": "Check the path."
        default: "Give a regular file or a model folder."
        }
    }
}
