import Tensors

/// The written form: a line a rule, `#` before a remark.
///
///     bf16                                  a preset: its rules in the place of all before
///     *.mlp.* fp8e4m3 saturate, accumulate fp16
///     @RMSNorm fp32                         by op; @products for every product
///     =model.layers.1 fp16                  this value alone
///     lm_head inputs fp16, kernel reference
extension Policy {
    /// Throws an error that names the line.
    package static func rules(from text: String, naming source: String? = nil) throws(PolicyError) -> [Rule] {
        var rules: [Rule] = []
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            if words.isEmpty { continue }
            if words.count == 1, let preset = Preset(rawValue: String(words[0])) {
                rules = preset.rules
                continue
            }
            do throws(PolicyError) {
                var rule = try Rule(words.map(String.init))
                rule.origin = Rule.Origin(source.map { "\($0), line \(number + 1)" } ?? "")
                rules.append(rule)
            } catch {
                throw PolicyError("\(source ?? "policy"), line \(number + 1): \(error.rule)")
            }
        }
        return rules
    }

    /// The same rules again, a line each.
    package var text: String { rules.map { "\($0)\n" }.joined() }

    /// Rules as one text keeps them: the name of a preset, or a line a rule; empty: none.
    package static func rules(written text: String) throws(PolicyError) -> [Rule] {
        guard let preset = Preset(rawValue: text) else { return try rules(from: text) }
        return preset.rules
    }

    /// All rules, live ones too, for `rules(written:)`.
    package var written: String {
        let all = Policy(rules: rules + live)
        return all.isPlain ? "" : all.presetName ?? all.text
    }
}

extension Policy.Rule: CustomStringConvertible {
    /// `PATTERN CLAUSE, CLAUSE…` as words.
    package init(_ words: [String]) throws(PolicyError) {
        guard let first = words.first, words.count > 1 else {
            let presets = Policy.Preset.allCases.map(\.rawValue).joined(separator: ", ")
            throw PolicyError(
                "'\(words.joined().prefix(40))' is no preset (\(presets)); a rule is PATTERN FORMAT, such as *.mlp.* bf16")
        }
        let selector: Policy.Selector =
            first.hasPrefix("@")
            ? .op(String(first.dropFirst())) : first.hasPrefix("=") ? .value(String(first.dropFirst())) : .names(NamePattern(first))
        if case .op(let name) = selector, !Policy.Selector.known.contains(name) {
            throw PolicyError("there is no op @\(name); there are @\(Policy.Selector.known.joined(separator: ", @"))")
        }
        self.init(selector)
        let clauses = words.dropFirst().joined(separator: " ").split(separator: ",", omittingEmptySubsequences: false)
        for (place, clause) in clauses.enumerated() { try take(clause.split(separator: " ").map(String.init), isFirst: place == 0) }
    }

    private mutating func take(_ words: [String], isFirst: Bool) throws(PolicyError) {
        switch words.first {
        case "inputs": inputs = try NumberFormat(words: words.dropFirst())
        case "accumulate": accumulation = try NumberFormat(words: words.dropFirst())
        case "kernel":
            guard words.count == 2 else { throw PolicyError("kernel takes one name, such as kernel reference") }
            try OpCatalogue.check(kernel: words[1], selector)
            kernel = words[1]
        case let word? where !isFirst && NumberFormat.named(word) == nil:
            throw PolicyError(
                "behind a comma stands inputs FORMAT, accumulate FORMAT or kernel NAME, not \(words.joined(separator: " ").prefix(40))")
        default: format = try NumberFormat(words: words[...])
        }
    }

    package var description: String {
        let target =
            switch selector {
            case .names(let pattern): pattern.text
            case .value(let name): "=" + name
            case .op(let name): "@" + name
            }
        let clauses =
            [
                format.map { "\($0)" }, inputs.map { "inputs \($0)" }, accumulation.map { "accumulate \($0)" },
                kernel.map { "kernel \($0)" },
            ].compactMap { $0 }
        return "\(target) \(clauses.joined(separator: ", "))"
    }
}

extension Policy.Rule {
    /// A file and its line; empty for a rule that nobody wrote down. It makes no difference between rules.
    package struct Origin: Sendable, Hashable {
        let text: String

        init(_ text: String = "") { self.text = text }

        package static func == (_: Origin, _: Origin) -> Bool { true }
        package func hash(into _: inout Hasher) {}
    }

    /// With where it was written, for errors and notes.
    package var located: String { origin.text.isEmpty ? "rule \(self)" : "\(origin.text): \(self)" }

    /// Whether it speaks of any value of a program.
    package func fits(_ program: Program) -> Bool {
        program.values.contains { value in selector.matches(value.policyNames, op: value.step.map { program.steps[$0].op }) }
    }

    /// Whether somebody wrote names down that the program has not. A file is for models with other ops, too, and for the reverse walk.
    package func isIdle(in program: Program) -> Bool {
        switch selector {
        case .op: false
        case .names(let pattern) where pattern.text.hasPrefix("grad:"): false
        case .value(let name) where name.hasPrefix("grad:"): false
        default: !origin.text.isEmpty && !fits(program)
        }
    }
}

extension Policy.Selector {
    /// What may stand behind `@`.
    package static var known: [String] { ["products"] + OpCatalogue.all.map { $0.card.ruleName } }
}

extension NumberFormat {
    /// `bf16`, `fp8e4m3 saturate`, `fp16 flush`.
    init(words: ArraySlice<String>) throws(PolicyError) {
        guard let name = words.first, var format = NumberFormat.named(name) else {
            let given = words.first.map { "there is no format \($0)" } ?? "a format is missing"
            throw PolicyError("\(given); there are \(NumberFormat.all.map(\.name).joined(separator: ", "))")
        }
        for word in words.dropFirst() {
            switch word {
            case "saturate": format.saturates = true
            case "flush": format.flushesSubnormals = true
            case "inputs", "accumulate", "kernel": throw PolicyError("a comma belongs before \(word): \(name), \(word) …")
            default: throw PolicyError("\(name) takes saturate and flush, not \(word)")
            }
        }
        self = format
    }
}

/// A policy that cannot be read.
package struct PolicyError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    package init(_ rule: String) { self.rule = rule }
    package var description: String { rule }
}
