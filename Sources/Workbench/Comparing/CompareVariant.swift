import Engine
import Models

/// How another run differs from the one it is held against, in the words of `:compare`.
package struct CompareVariant: Sendable, Hashable {
    /// As it was typed: a script can make it again.
    package let words: [String]
    /// A preset, a format or a policy file.
    package private(set) var policy: String?
    package private(set) var rules: [Policy.Rule] = []
    /// Quirks on top of the base's; empty where `isWithoutQuirks` takes them off.
    package private(set) var quirks: [String] = []
    package private(set) var isWithoutQuirks = false
    /// A file of edits, or `none`.
    package private(set) var edits: String?
    package private(set) var dump: String?
    package private(set) var model: String?
    private var given: String?

    /// What a word may begin with that is no path.
    static let keywords = ["policy", "quirk", "kernel", "edits", "dump", "as", "drop", "tolerance"]

    /// `policy bf16|FILE quirk a,b kernel NAME PATTERN edits FILE dump FILE PATH as NAME`, in any order.
    package init(_ words: [String]) throws(CommandError) {
        self.words = words
        var rest = words[...]
        while let word = rest.popFirst() { try take(word, &rest) }
        let isFile = dump != nil
        guard !isFile || (policy == nil && rules.isEmpty && quirks.isEmpty && edits == nil && model == nil) else {
            throw CommandError("a dump is compared as it is; nothing else can be said of it")
        }
    }

    private mutating func take(_ word: String, _ rest: inout ArraySlice<String>) throws(CommandError) {
        func next(_ what: String) throws(CommandError) -> String {
            guard let word = rest.popFirst() else { throw CommandError("\(word) \(what)?") }
            return word
        }
        switch word {
        case "policy": policy = try next("of which name, or from which file")
        case "quirk": try takeQuirks(next("of which name"))
        case "kernel":
            let name = try next("of which name")
            try takeRule([next("of which values"), "kernel", name])
        case "edits": edits = try next("from which file, or none")
        case "dump": dump = try next("in which file")
        case "as":
            given = rest.joined(separator: " ")
            rest = []
        default:
            guard model == nil, dump == nil else { throw CommandError("'\(word)' cannot follow; see ? for what compare takes") }
            if word.hasSuffix(".safetensors") { dump = word } else { model = word }
        }
    }

    private mutating func takeQuirks(_ names: String) throws(CommandError) {
        if names == "none" {
            isWithoutQuirks = true
            return
        }
        for name in names.split(separator: ",").map(String.init) {
            do throws(QuirkError) { quirks.append(try Quirk.named(name).name) } catch { throw CommandError(error.rule) }
        }
    }

    private mutating func takeRule(_ words: [String]) throws(CommandError) {
        do throws(PolicyError) { rules.append(try Policy.Rule(words)) } catch { throw CommandError(error.rule) }
    }

    /// What the line is called where nobody named it.
    package var name: String {
        if let given, !given.isEmpty { return given }
        let file = { (path: String) in path.split(separator: "/").last.map(String.init) ?? path }
        let parts =
            [model.map(file), dump.map(file), policy.map(file)] + quirks.map { "\(QuirkWords.sign)\($0)" }
            + [isWithoutQuirks ? "no quirks" : nil] + rules.map(\.description) + [edits.map { $0 == "none" ? "no edits" : "✎ \(file($0))" }]
        return parts.compactMap(\.self).joined(separator: " ")
    }
}
