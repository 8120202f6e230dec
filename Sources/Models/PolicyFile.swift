import Checkpoints
import Engine
import Tensors

extension Policy {
    /// By a word: a preset, a format for everything, or a file of rules.
    package init(named word: String, threads: Int) throws(PolicyError) {
        if let preset = Preset(rawValue: word) {
            self.init(preset, threads: threads)
        } else if NumberFormat.named(word) != nil {
            self.init(rules: try Policy.rules(from: "* \(word)"), threads: threads)
        } else {
            self.init(rules: try Policy.rules(from: Policy.text(of: word), naming: word), threads: threads)
        }
    }

    private static func text(of path: String) throws(PolicyError) -> String {
        do throws(CheckpointError) {
            return String(decoding: try WholeFile.read(path, as: "a policy", limit: 1 << 20), as: UTF8.self)
        } catch {
            let presets = Preset.allCases.map(\.rawValue).joined(separator: ", ")
            throw PolicyError("\(path.prefix(80)) is neither a preset (\(presets)), a format nor a file of rules")
        }
    }
}
