import Checkpoints
import Engine
import Tensors

extension Policy {
    /// By a word: a preset, a format for everything, or a file of rules. Throws `UnknownPolicy` for what is none of them; why a file
    /// cannot be read is its `CheckpointError`, and what is wrong with a rule in it a `PolicyError`.
    package init(named word: String, threads: Int) throws {
        if let preset = Preset(rawValue: word) {
            self.init(preset, threads: threads)
        } else if NumberFormat.named(word) != nil {
            self.init(rules: try Policy.rules(from: "* \(word)"), threads: threads)
        } else {
            self.init(rules: try Policy.rules(from: Policy.text(of: word), naming: word), threads: threads)
        }
    }

    private static func text(of path: String) throws -> String {
        do throws(CheckpointError) {
            let bytes = try WholeFile.read(path, as: "policy", limit: 1 << 20)
            guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
                throw CheckpointError(path, "policy", "not text in UTF-8", next: advice)
            }
            return text
        } catch {
            if error.isMissing { throw UnknownPolicy(word: path) }
            throw error.rule.hasPrefix("is not a regular file") ? CheckpointError(path, error.format, error.rule, next: advice) : error
        }
    }

    private static let advice = "Give a file with a line a rule, such as *.mlp.* bf16."
}

/// A word that names no policy: whoever wrote it is wrong, not a file.
package struct UnknownPolicy: Error, CustomStringConvertible, Sendable {
    package let word: String

    package var description: String {
        let presets = Policy.Preset.allCases.map(\.rawValue).joined(separator: ", ")
        return "\(word.prefix(80)) is neither a preset (\(presets)), a format nor a file of rules"
    }
}
