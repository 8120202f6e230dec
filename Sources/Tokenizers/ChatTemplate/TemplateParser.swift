/// Tokens to statements, by the grammar of Jinja 3.1 without what reaches outside of the template (`include`, `import`, `extends`).
struct TemplateParser {
    private let tokens: [LocatedToken]
    private var at = 0
    /// Open brackets, operators that nest, and statements.
    private var nesting = 0
    private var loops = 0
    private var line: Int { tokens.isEmpty ? 1 : tokens[min(at, tokens.count - 1)].line }

    static func statements(_ text: String) throws(ChatTemplateError) -> [TemplateStatement] {
        var parser = TemplateParser(tokens: try TemplateLexer.tokens(text))
        let (statements, end) = try parser.body(until: [])
        if let end { throw parser.fault("unexpected '\(end)'") }
        return statements
    }

    private init(tokens: [LocatedToken]) { self.tokens = tokens }

    // MARK: Tokens

    func fault(_ rule: String) -> ChatTemplateError { ChatTemplateError(line: line, rule) }

    var next: TemplateToken? { at < tokens.count ? tokens[at].token : nil }

    private var following: TemplateToken? { at + 1 < tokens.count ? tokens[at + 1].token : nil }

    mutating func skip() { at += 1 }

    mutating func accept(_ token: TemplateToken) -> Bool {
        guard next == token else { return false }
        at += 1
        return true
    }

    mutating func accept(_ symbol: String) -> Bool { accept(.symbol(symbol)) }

    mutating func expect(_ token: TemplateToken) throws(ChatTemplateError) {
        if !accept(token) { throw unexpected(token.shown) }
    }

    mutating func expect(_ symbol: String) throws(ChatTemplateError) { try expect(.symbol(symbol)) }

    func unexpected(_ wanted: String) -> ChatTemplateError {
        fault("unexpected \(next?.shown ?? "end of the template"), expected \(wanted)")
    }

    mutating func name() throws(ChatTemplateError) -> String {
        guard case .name(let name) = next else { throw unexpected("a name") }
        try checkName(name)
        at += 1
        return name
    }

    /// Python's inner names lead out of every sandbox; no template needs one.
    func checkName(_ name: String) throws(ChatTemplateError) {
        if TemplateParser.isForbidden(name) { throw fault("template uses forbidden name \(Quoted.text(name))") }
    }

    static func isForbidden(_ name: String) -> Bool { name.hasPrefix("__") }

    /// Runs `work` one level deeper.
    mutating func nested<T>(_ work: (inout TemplateParser) throws(ChatTemplateError) -> T) throws(ChatTemplateError) -> T {
        nesting += 1
        if nesting > TemplateLimit.nesting { throw fault("template nested deeper than \(TemplateLimit.nesting)") }
        defer { nesting -= 1 }
        return try work(&self)
    }

    // MARK: Statements

    /// Statements up to a block that begins with one of `ends`, whose word is passed and returned.
    private mutating func body(until ends: [String]) throws(ChatTemplateError) -> ([TemplateStatement], end: String?) {
        var statements: [TemplateStatement] = []
        while let token = next {
            let line = line
            at += 1
            switch token {
            case .text(let text): statements.append(TemplateStatement(line: line, kind: .text(text)))
            case .outputStart:
                let value = try expression(tuple: true)
                try expect(.outputEnd)
                statements.append(TemplateStatement(line: line, kind: .output(value)))
            default:
                guard case .name(let word) = next else { throw unexpected("a statement") }
                at += 1
                if ends.contains(word) { return (statements, word) }
                let kind = try nested { parser throws(ChatTemplateError) in try parser.statement(word) }
                statements.append(TemplateStatement(line: line, kind: kind))
            }
        }
        if !ends.isEmpty { throw fault("'\(ends[ends.count - 1])' is missing") }
        return (statements, nil)
    }

    /// A body whose end stands alone in its block.
    private mutating func closed(by end: String) throws(ChatTemplateError) -> [TemplateStatement] {
        try expect(.blockEnd)
        let statements = try body(until: [end]).0
        try expect(.blockEnd)
        return statements
    }

    private mutating func statement(_ word: String) throws(ChatTemplateError) -> TemplateStatement.Kind {
        switch word {
        case "if": return try branches()
        case "for": return try loop()
        case "set": return try set()
        case "macro": return try macro()
        case "with": return try with()
        case "filter": return .filterBlock(try filters(first: true), try closed(by: "endfilter"))
        case "generation": return .generation(try closed(by: "endgeneration"))
        case "break", "continue":
            if loops == 0 { throw fault("'\(word)' outside of a loop") }
            try expect(.blockEnd)
            return word == "break" ? .breakLoop : .continueLoop
        case "include", "import", "extends", "from", "block", "call":
            throw fault("'\(word)' is refused: a chat template stands alone")
        default: throw fault("unknown statement \(Quoted.text(word))")
        }
    }

    private mutating func branches() throws(ChatTemplateError) -> TemplateStatement.Kind {
        var branches: [(condition: TemplateExpression, body: [TemplateStatement])] = []
        var otherwise: [TemplateStatement] = []
        var end: String? = "elif"
        while end == "elif" {
            let condition = try expression(tuple: true)
            try expect(.blockEnd)
            let branch = try body(until: ["elif", "else", "endif"])
            branches.append((condition, branch.0))
            end = branch.end
        }
        if end == "else" { otherwise = try closed(by: "endif") } else { try expect(.blockEnd) }
        return .branches(branches, otherwise: otherwise)
    }

    private mutating func loop() throws(ChatTemplateError) -> TemplateStatement.Kind {
        let targets = try targets()
        try expect(.name("in"))
        let items = try expression(tuple: true, conditional: false)
        let condition = accept(.name("if")) ? try expression() : nil
        if next == .name("recursive") { throw fault("recursive loops are refused") }
        try expect(.blockEnd)
        loops += 1
        let (body, end) = try body(until: ["else", "endfor"])
        loops -= 1
        var otherwise: [TemplateStatement] = []
        if end == "else" { otherwise = try closed(by: "endfor") } else { try expect(.blockEnd) }
        return .loop(targets: targets, over: items, condition: condition, body: body, otherwise: otherwise)
    }

    /// One name or several with commas between them.
    private mutating func targets() throws(ChatTemplateError) -> [String] {
        let inBrackets = accept("(")
        var names = [try name()]
        while accept(",") { names.append(try name()) }
        if inBrackets { try expect(")") }
        return names
    }

    private mutating func set() throws(ChatTemplateError) -> TemplateStatement.Kind {
        if case .name(let owner) = next, following == .symbol(".") {
            try checkName(owner)
            at += 2
            let attribute = try name()
            try expect("=")
            let value = try expression(tuple: true)
            try expect(.blockEnd)
            return .setAttribute(of: owner, attribute, value)
        }
        let targets = try targets()
        if accept("=") {
            let value = try expression(tuple: true)
            try expect(.blockEnd)
            return .set(targets: targets, value)
        }
        return .setBlock(targets[0], filters: try filters(first: false), try closed(by: "endset"))
    }

    /// `| trim | upper`; the first of a `filter` block has no bar before it.
    private mutating func filters(first: Bool) throws(ChatTemplateError) -> [TemplatePostfix] {
        var filters: [TemplatePostfix] = []
        while (first && filters.isEmpty) || accept("|") { filters.append(try filter()) }
        return filters
    }

    private mutating func with() throws(ChatTemplateError) -> TemplateStatement.Kind {
        var values: [(name: String, value: TemplateExpression)] = []
        while next != .blockEnd {
            if !values.isEmpty { try expect(",") }
            let name = try name()
            try expect("=")
            values.append((name, try expression()))
        }
        return .with(values, try closed(by: "endwith"))
    }

    private mutating func macro() throws(ChatTemplateError) -> TemplateStatement.Kind {
        let name = try name()
        try expect("(")
        var parameters: [(name: String, standard: TemplateExpression?)] = []
        while !accept(")") {
            if !parameters.isEmpty { try expect(",") }
            let parameter = try self.name()
            parameters.append((parameter, accept("=") ? try expression() : nil))
        }
        let outer = loops
        loops = 0
        defer { loops = outer }
        return .macro(name, TemplateMacro(parameters: parameters, body: try closed(by: "endmacro")))
    }
}
