/// Expressions, from the loosest binding to the tightest as in Jinja: `if else`, `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`,
/// `**`, signs, then what follows a value.
extension TemplateParser {
    /// - Parameters:
    ///   - tuple: values with commas between them are a list.
    ///   - conditional: `a if b` belongs to the expression, not to the statement around it.
    mutating func expression(tuple: Bool = false, conditional: Bool = true) throws(ChatTemplateError) -> TemplateExpression {
        try nested { parser throws(ChatTemplateError) in
            let first = conditional ? try parser.choice() : try parser.disjunction()
            guard tuple, parser.next == .symbol(",") else { return first }
            return .tuple(try parser.rest(of: [first], conditional: conditional))
        }
    }

    private mutating func rest(of items: [TemplateExpression], conditional: Bool) throws(ChatTemplateError) -> [TemplateExpression] {
        var items = items
        while accept(",") {
            switch next {
            case .symbol(")"), .blockEnd, .outputEnd: return items
            default: items.append(conditional ? try choice() : try disjunction())
            }
        }
        return items
    }

    private mutating func choice() throws(ChatTemplateError) -> TemplateExpression {
        var value = try disjunction()
        while accept(.name("if")) {
            let condition = try disjunction()
            let otherwise = accept(.name("else")) ? try nested { parser throws(ChatTemplateError) in try parser.choice() } : nil
            value = .conditional(value, condition: condition, otherwise: otherwise)
        }
        return value
    }

    private mutating func disjunction() throws(ChatTemplateError) -> TemplateExpression {
        var operands = [try conjunction()]
        while accept(.name("or")) { operands.append(try conjunction()) }
        return operands.count == 1 ? operands[0] : .or(operands)
    }

    private mutating func conjunction() throws(ChatTemplateError) -> TemplateExpression {
        var operands = [try negation()]
        while accept(.name("and")) { operands.append(try negation()) }
        return operands.count == 1 ? operands[0] : .and(operands)
    }

    private mutating func negation() throws(ChatTemplateError) -> TemplateExpression {
        guard accept(.name("not")) else { return try comparison() }
        return .not(try nested { parser throws(ChatTemplateError) in try parser.negation() })
    }

    private mutating func comparison() throws(ChatTemplateError) -> TemplateExpression {
        let first = try sum()
        var rest: [(sign: TemplateComparison, operand: TemplateExpression)] = []
        while let comparison = comparisonSign() { rest.append((comparison, try sum())) }
        return rest.isEmpty ? first : .compare(first, rest)
    }

    private mutating func comparisonSign() -> TemplateComparison? {
        switch next {
        case .symbol(let symbol):
            guard let comparison = TemplateComparison(rawValue: symbol) else { return nil }
            skip()
            return comparison
        case .name("in"):
            skip()
            return .contained
        case .name("not"):
            skip()
            return accept(.name("in")) ? .notContained : nil
        default: return nil
        }
    }

    /// Operands of one rank with their operators.
    private mutating func chain(
        _ symbols: [String], _ operand: (inout TemplateParser) throws(ChatTemplateError) -> TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        let first = try operand(&self)
        var rest: [(sign: String, operand: TemplateExpression)] = []
        while case .symbol(let symbol) = next, symbols.contains(symbol) {
            skip()
            rest.append((symbol, try operand(&self)))
        }
        return rest.isEmpty ? first : .arithmetic(first, rest)
    }

    private mutating func sum() throws(ChatTemplateError) -> TemplateExpression {
        try chain(["+", "-"]) { parser throws(ChatTemplateError) in try parser.concatenation() }
    }

    private mutating func concatenation() throws(ChatTemplateError) -> TemplateExpression {
        var operands = [try product()]
        while accept("~") { operands.append(try product()) }
        return operands.count == 1 ? operands[0] : .concat(operands)
    }

    private mutating func product() throws(ChatTemplateError) -> TemplateExpression {
        try chain(["*", "/", "//", "%"]) { parser throws(ChatTemplateError) in
            try parser.chain(["**"]) { parser throws(ChatTemplateError) in try parser.signed(filters: true) }
        }
    }

    /// A sign binds tighter than a filter, as in Jinja: `-x|abs` is `(-x)|abs`.
    private mutating func signed(filters: Bool) throws(ChatTemplateError) -> TemplateExpression {
        if next == .symbol("-") || next == .symbol("+") {
            let isNegative = next == .symbol("-")
            skip()
            let operand = try nested { parser throws(ChatTemplateError) in try parser.signed(filters: false) }
            return try following(isNegative ? .negative(operand) : operand, filters: filters)
        }
        return try following(try primary(), filters: filters)
    }

    // MARK: What follows a value

    private mutating func following(_ value: TemplateExpression, filters: Bool) throws(ChatTemplateError) -> TemplateExpression {
        var steps: [TemplatePostfix] = []
        while let step = try postfix(filters: filters) { steps.append(step) }
        return steps.isEmpty ? value : .postfix(value, steps)
    }

    private mutating func postfix(filters: Bool) throws(ChatTemplateError) -> TemplatePostfix? {
        if accept(".") { return try attribute() }
        if accept("[") { return try subscripted() }
        if next == .symbol("(") { return .call(try arguments()) }
        guard filters else { return nil }
        if accept("|") { return try filter() }
        if accept(.name("is")) { return try test() }
        return nil
    }

    private mutating func attribute() throws(ChatTemplateError) -> TemplatePostfix {
        if case .integer(let index) = next {
            skip()
            return .subscripted(.constant(.int(index)))
        }
        let name = try name()
        return next == .symbol("(") ? .method(name, try arguments()) : .attribute(name)
    }

    private mutating func subscripted() throws(ChatTemplateError) -> TemplatePostfix {
        if case .string(let key) = next { try checkName(key) }
        let first = next == .symbol(":") ? nil : try expression()
        if accept("]") { return .subscripted(first ?? .constant(.none)) }
        try expect(":")
        let second = next == .symbol(":") || next == .symbol("]") ? nil : try expression()
        let third = accept(":") && next != .symbol("]") ? try expression() : nil
        try expect("]")
        return .slice(first, second, third)
    }

    private mutating func arguments() throws(ChatTemplateError) -> TemplateArguments {
        try expect("(")
        var arguments = TemplateArguments()
        while !accept(")") {
            if !arguments.positional.isEmpty || !arguments.named.isEmpty { try expect(",") }
            if accept(")") { break }
            let value = try expression()
            if case .name(let name) = value, accept("=") {
                arguments.named.append((name, try expression()))
            } else if arguments.named.isEmpty {
                arguments.positional.append(value)
            } else {
                throw fault("an argument without a name stands after one with a name")
            }
        }
        return arguments
    }

    /// A filter after its bar; one that is not known is an error even where it would not run.
    mutating func filter() throws(ChatTemplateError) -> TemplatePostfix {
        let name = try name()
        guard TemplateFilters.names.contains(name) else { throw fault("unknown filter \(Quoted.text(name))") }
        return .filter(name, next == .symbol("(") ? try arguments() : TemplateArguments())
    }

    private mutating func test() throws(ChatTemplateError) -> TemplatePostfix {
        let negated = accept(.name("not"))
        guard case .name(let name) = next else { throw unexpected("the name of a test") }
        skip()
        guard TemplateTests.names.contains(name) else { throw fault("unknown test \(Quoted.text(name))") }
        return .test(name, try testArguments(), negated: negated)
    }

    /// In brackets, or one value after a space.
    private mutating func testArguments() throws(ChatTemplateError) -> TemplateArguments {
        switch next {
        case .symbol("("): return try arguments()
        case .name("else"), .name("or"), .name("and"), .name("is"), .name("if"), .name("in"), .name("not"): return TemplateArguments()
        case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
            let value = try following(try primary(), filters: false)
            return TemplateArguments(positional: [value])
        default: return TemplateArguments()
        }
    }

    // MARK: Values

    private mutating func primary() throws(ChatTemplateError) -> TemplateExpression {
        guard let token = next else { throw unexpected("a value") }
        switch token {
        case .integer(let number): return constant(.int(number))
        case .float(let number): return constant(.float(number))
        case .string: return strings()
        case .name: return try named()
        case .symbol("("): return try bracketed()
        case .symbol("["): return try list()
        case .symbol("{"): return try dictionary()
        default: throw unexpected("a value")
        }
    }

    private mutating func constant(_ value: TemplateValue) -> TemplateExpression {
        skip()
        return .constant(value)
    }

    /// Strings that stand side by side are one.
    private mutating func strings() -> TemplateExpression {
        var text = ""
        while case .string(let part) = next {
            text += part
            skip()
        }
        return .constant(.string(text))
    }

    private mutating func named() throws(ChatTemplateError) -> TemplateExpression {
        switch try name() {
        case "true", "True": .constant(.bool(true))
        case "false", "False": .constant(.bool(false))
        case "none", "None": .constant(.none)
        case let name: .name(name)
        }
    }

    private mutating func bracketed() throws(ChatTemplateError) -> TemplateExpression {
        skip()
        if accept(")") { return .tuple([]) }
        let value = try expression(tuple: true)
        try expect(")")
        return value
    }

    private mutating func list() throws(ChatTemplateError) -> TemplateExpression {
        skip()
        var items: [TemplateExpression] = []
        while !accept("]") {
            if !items.isEmpty { try expect(",") }
            if accept("]") { break }
            items.append(try expression())
        }
        return .list(items)
    }

    private mutating func dictionary() throws(ChatTemplateError) -> TemplateExpression {
        skip()
        var members: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !accept("}") {
            if !members.isEmpty { try expect(",") }
            if accept("}") { break }
            let key = try expression()
            try expect(":")
            members.append((key, try expression()))
        }
        return .dict(members)
    }
}
