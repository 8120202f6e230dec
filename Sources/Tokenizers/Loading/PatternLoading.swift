import StrictJSON

/// Reading `pattern` members: `{"String": …}` or `{"Regex": …}`.
extension Section {
    /// The pattern as text, and whether it is a regular expression.
    private func patternText() throws(TokenizerError) -> (text: String, isExpression: Bool) {
        guard let pattern = try section("pattern") else { throw error("\(name("pattern")) is missing") }
        if let text = try pattern.string("Regex") { return (text, true) }
        if let text = try pattern.string("String") { return (text, false) }
        throw error("\(name("pattern")) must have a member String or Regex")
    }

    private func compiled(_ program: () throws(PatternError) -> PatternProgram) throws(TokenizerError) -> CompiledPattern {
        do { return CompiledPattern(try program()) } catch {
            throw self.error("\(name("pattern")): \(error.rule)", "Open a model with another tokenizer.")
        }
    }

    private func compiled(_ text: String, _ isExpression: Bool) throws(TokenizerError) -> CompiledPattern {
        try compiled { () throws(PatternError) in
            if isExpression { return try PatternProgram(text) }
            return try PatternProgram(.sequence(text.unicodeScalars.map { .set(.scalar($0.value)) }))
        }
    }

    /// The pattern of a `Split`: a scanner where the pattern is a published one that comes with `Isolated`.
    func splitStage() throws(TokenizerError) -> any PieceStage {
        let (text, isExpression) = try patternText()
        let behavior = try self.behavior(default: nil)
        let inverted = try flag("invert", default: false)
        if isExpression, behavior == .isolated, !inverted, let scanner = Scanners.scanner(for: text) {
            return ScannerStage(scanner: scanner)
        }
        return SplitStage(pattern: try compiled(text, isExpression), behavior: behavior, inverted: inverted)
    }

    func behavior(default standard: SplitBehavior?) throws(TokenizerError) -> SplitBehavior {
        guard let text = try string("behavior") else {
            guard let standard else { throw error("\(name("behavior")) is missing") }
            return standard
        }
        guard let behavior = SplitBehavior(rawValue: text) else {
            let known = SplitBehavior.allCases.map(\.rawValue).joined(separator: ", ")
            throw error("\(name("behavior")) is \(Quoted.text(text)), must be one of \(known)")
        }
        return behavior
    }

    /// The pattern of a `Replace`.
    func replacementPattern() throws(TokenizerError) -> ReplacementPattern {
        let (text, isExpression) = try patternText()
        if !isExpression, !text.isEmpty { return .literal(Array(text.utf8)) }
        return .expression(try compiled(text, isExpression))
    }
}
