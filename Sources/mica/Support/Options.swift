import ArgumentParser
import Checkpoints
import Engine
import Foundation
import Models
import Screen
import Tensors
import Tokenizers

/// What the model reads: text or ids.
struct PromptOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Text, cut into tokens by the model's tokenizer.", valueName: "text"))
    var prompt: String?
    @Option(help: ArgumentHelp("Token ids, separated by commas.", valueName: "1,2,3"))
    var ids: String?

    func validate() throws {
        if prompt != nil && ids != nil { throw ValidationError("Give --prompt or --ids, not both.") }
    }

    /// The ids of the prompt; throws if neither was given.
    func tokens(for model: Model) throws -> [Int] {
        if let ids { return try PromptOptions.parse(ids) }
        guard let prompt else { throw Failure.usage("give --prompt TEXT or --ids 1,2,3") }
        guard let tokenizer = model.tokenizer else { throw Failure(model.tokenizerProblem ?? "\(model.path) has no tokenizer; use --ids") }
        return tokenizer.encode(prompt).map(Int.init)
    }

    static func parse(_ text: String) throws(Failure) -> [Int] {
        var ids: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let word = part.trimmingCharacters(in: .whitespaces)
            guard let id = Int(word) else { throw .usage("--ids must be numbers separated by commas, one is '\(word.prefix(40))'") }
            ids.append(id)
        }
        return ids
    }
}

/// How many threads work on one op; no value depends on it.
struct ThreadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Threads for one op; values do not depend on it.", valueName: "n"))
    var threads: Int?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be 1 to 1024.") }
    }

    var count: Int { threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount) }
}

/// In which formats values are kept and products are made.
struct PrecisionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Formats of values and products: \(Policy.Preset.allCases.map(\.rawValue).joined(separator: ", ")), a format, or a policy file.",
            valueName: "preset or file"))
    var precision = "fp32"
    @Option(
        help: ArgumentHelp(
            "Compute values by another kernel, as \"naive probs\" (mica kernels lists them); may be given again.",
            valueName: "name pattern"))
    var kernel: [String] = []

    func policy(threads: Int) throws -> Policy {
        var policy = try PrecisionOptions.formats(precision, threads: threads)
        policy.rules += try kernel.map(PrecisionOptions.rule)
        return policy
    }

    private static func rule(_ text: String) throws -> Policy.Rule {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 2 else { throw Failure.usage("--kernel takes a kernel and a pattern, such as --kernel \"naive probs\"") }
        do throws(PolicyError) { return try Policy.Rule([words[1], "kernel", words[0]]) } catch {
            throw Failure.usage("--kernel \(text.prefix(80)): \(error.rule)")
        }
    }

    /// A preset, a format for everything, or a file of rules.
    static func formats(_ precision: String, threads: Int) throws -> Policy {
        do { return try Policy(named: precision, threads: threads) } catch let error as UnknownPolicy {
            throw Failure.usage("--precision \(error)")
        }
    }
}

/// What of the forward pass waits in memory for the reverse walk.
struct CheckpointingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("What waits for the reverse walk: none (all that it reads), layer or sqrt (some residuals).", valueName: "mode"))
    var checkpointing = Checkpointing.none

    /// What it cost and what it saved.
    static func report(_ recording: Recording) -> String {
        "at most \(Numbers.bytes(recording.peakByteCount)) of values at once, \(recording.recomputed) ops run again"
    }
}

extension Checkpointing: ExpressibleByArgument {}
