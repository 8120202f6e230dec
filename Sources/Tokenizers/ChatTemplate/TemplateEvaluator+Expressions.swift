import StrictJSON

/// Values of expressions, by Python's rules.
extension TemplateEvaluator {
    mutating func evaluate(_ expression: TemplateExpression) throws(ChatTemplateError) -> TemplateValue {
        try deeper { evaluator throws(ChatTemplateError) in try evaluator.value(expression) }
    }

    private mutating func value(_ expression: TemplateExpression) throws(ChatTemplateError) -> TemplateValue {
        switch expression {
        case .constant(let value): return value
        case .name(let name): return lookup(name)
        case .list(let items): return try list(values(items))
        case .tuple(let items): return try list(values(items), isTuple: true)
        case .dict(let members): return try dictionary(members)
        case .not(let operand): return .bool(try !evaluate(operand).isTrue)
        case .negative(let operand): return try arithmetic(.int(0), "-", evaluate(operand))
        case .and(let operands): return try first(operands) { !$0.isTrue }
        case .or(let operands): return try first(operands) { $0.isTrue }
        case .compare(let left, let rest): return try compare(left, rest)
        case .arithmetic(let left, let rest): return try arithmetic(left, rest)
        case .concat(let operands): return try concat(operands)
        case .conditional(let value, let condition, let otherwise):
            if try evaluate(condition).isTrue { return try evaluate(value) }
            if let otherwise { return try evaluate(otherwise) }
            return .undefined("else")
        case .postfix(let base, let rest): return try apply(rest, to: evaluate(base), named: base)
        }
    }

    mutating func values(_ expressions: [TemplateExpression]) throws(ChatTemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    private mutating func dictionary(
        _ members: [(key: TemplateExpression, value: TemplateExpression)]
    ) throws(ChatTemplateError) -> TemplateValue {
        var dict = TemplateDict()
        for member in members {
            guard case .string(let key) = try evaluate(member.key) else { throw fault("keys of a dictionary must be strings") }
            dict[key] = try evaluate(member.value)
        }
        try checkDepth(dict.depth)
        return .dict(dict)
    }

    /// `and` and `or` give the operand that decides.
    private mutating func first(
        _ operands: [TemplateExpression], where decides: (TemplateValue) -> Bool
    ) throws(ChatTemplateError) -> TemplateValue {
        var last = TemplateValue.none
        for operand in operands {
            last = try evaluate(operand)
            if decides(last) { break }
        }
        return last
    }

    private mutating func concat(_ operands: [TemplateExpression]) throws(ChatTemplateError) -> TemplateValue {
        var text = ""
        for operand in operands {
            text += try printed(evaluate(operand))
            try checkBytes(text.utf8.count)
        }
        return .string(text)
    }

    // MARK: Comparison

    private mutating func compare(
        _ left: TemplateExpression, _ rest: [(sign: TemplateComparison, operand: TemplateExpression)]
    ) throws(ChatTemplateError) -> TemplateValue {
        var left = try evaluate(left)
        for (comparison, operand) in rest {
            let right = try evaluate(operand)
            if try !holds(left, comparison, right) { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    private mutating func holds(
        _ left: TemplateValue, _ comparison: TemplateComparison, _ right: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        switch comparison {
        case .equal: try areEqual(left, right)
        case .unequal: try !areEqual(left, right)
        case .less: try isLess(left, right)
        case .lessOrEqual: try !isLess(right, left)
        case .greater: try isLess(right, left)
        case .greaterOrEqual: try !isLess(left, right)
        case .contained: try contains(right, left)
        case .notContained: try !contains(right, left)
        }
    }

    mutating func areEqual(_ left: TemplateValue, _ right: TemplateValue) throws(ChatTemplateError) -> Bool {
        try spend()
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let left), .string(let right)):
            try spend(min(left.utf8.count, right.utf8.count) / 64)
            return UTF8Key(left) == UTF8Key(right)
        case (.list(let left), .list(let right)):
            guard left.items.count == right.items.count, left.isTuple == right.isTuple else { return false }
            for (left, right) in zip(left.items, right.items) where try !areEqual(left, right) { return false }
            return true
        case (.dict(let left), .dict(let right)):
            guard left.members.count == right.members.count else { return false }
            for member in left.members {
                guard let other = right[member.key], try areEqual(member.value, other) else { return false }
            }
            return true
        default:
            if let left = left.integer, let right = right.integer { return left == right }
            guard let left = left.number, let right = right.number else { return false }
            return left == right
        }
    }

    mutating func isLess(_ left: TemplateValue, _ right: TemplateValue) throws(ChatTemplateError) -> Bool {
        try spend()
        if let left = left.integer, let right = right.integer { return left < right }
        if let left = left.number, let right = right.number { return left < right }
        if case .string(let left) = left, case .string(let right) = right {
            try spend(min(left.utf8.count, right.utf8.count) / 64)
            return left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
        }
        throw fault("cannot compare \(left.kind) with \(right.kind)")
    }

    mutating func contains(_ whole: TemplateValue, _ part: TemplateValue) throws(ChatTemplateError) -> Bool {
        switch whole {
        case .string(let text):
            guard case .string(let part) = part else { throw fault("'in' a string needs a string, not \(part.kind)") }
            try spend(text.utf8.count / 8)
            return !TemplateText.ranges(of: part, in: text, limit: 1).isEmpty || part.isEmpty
        case .dict(let dict):
            guard case .string(let key) = part else { return false }
            return dict[key] != nil
        case .list, .undefined:
            for item in try items(whole) where try areEqual(item, part) { return true }
            return false
        default: throw fault("'in' needs a list, a dictionary or a string, not \(whole.kind)")
        }
    }

    // MARK: Arithmetic

    private mutating func arithmetic(
        _ left: TemplateExpression, _ rest: [(sign: String, operand: TemplateExpression)]
    ) throws(ChatTemplateError) -> TemplateValue {
        var value = try evaluate(left)
        for (sign, operand) in rest { value = try arithmetic(value, sign, evaluate(operand)) }
        return value
    }

    mutating func sum(_ left: TemplateValue, _ right: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
        try arithmetic(left, "+", right)
    }

    private mutating func arithmetic(_ left: TemplateValue, _ sign: String, _ right: TemplateValue) throws(ChatTemplateError)
        -> TemplateValue
    {
        switch (left, sign, right) {
        case (.string(let left), "+", .string(let right)): return try checked(left + right)
        case (.list(let left), "+", .list(let right)): return try list(left.items + right.items, isTuple: left.isTuple)
        case (.string(let text), "*", _), (_, "*", .string(let text)):
            let other = if case .string = left { right } else { left }
            if let count = other.integer { return try repeated(text, count) }
        case (.list(let items), "*", _):
            if let count = right.integer { return try repeated(items, count) }
        default: break
        }
        if sign != "/", let left = left.integer, let right = right.integer { return try integer(left, sign, right) }
        guard let left = left.number, let right = right.number else {
            throw fault("'\(sign)' cannot take \(left.kind) and \(right.kind)")
        }
        return try float(left, sign, right)
    }

    /// The size is checked before anything is made.
    private mutating func repeated(_ text: String, _ count: Int) throws(ChatTemplateError) -> TemplateValue {
        let (bytes, overflow) = text.utf8.count.multipliedReportingOverflow(by: max(0, count))
        try checkBytes(overflow ? .max : bytes)
        return .string(String(repeating: text, count: bytes == 0 ? 0 : max(0, count)))
    }

    private mutating func repeated(_ list: TemplateList, _ count: Int) throws(ChatTemplateError) -> TemplateValue {
        let (size, overflow) = list.items.count.multipliedReportingOverflow(by: max(0, count))
        try spend(overflow ? TemplateLimit.steps : min(size, TemplateLimit.steps))
        if overflow || size > TemplateLimit.steps { try spend(TemplateLimit.steps) }
        return try self.list(Array(repeatElement(list.items, count: size == 0 ? 0 : count).joined()))
    }

    private func integer(_ left: Int, _ sign: String, _ right: Int) throws(ChatTemplateError) -> TemplateValue {
        let result: (partialValue: Int, overflow: Bool)
        switch sign {
        case "+": result = left.addingReportingOverflow(right)
        case "-": result = left.subtractingReportingOverflow(right)
        case "*": result = left.multipliedReportingOverflow(by: right)
        case "//", "%":
            if right == 0 { throw fault("division by zero") }
            let (quotient, overflow) = left.dividedReportingOverflow(by: right)
            let rest = overflow ? 0 : left % right
            let isBelow = rest != 0 && (rest < 0) != (right < 0)
            result = (sign == "%" ? rest + (isBelow ? right : 0) : quotient - (isBelow ? 1 : 0), overflow)
        default: return try power(left, right)
        }
        if result.overflow { throw fault("a number is beyond 64 bits") }
        return .int(result.partialValue)
    }

    private func power(_ base: Int, _ exponent: Int) throws(ChatTemplateError) -> TemplateValue {
        if exponent < 0 { return try float(Double(base), "**", Double(exponent)) }
        if base == 0 || base == 1 { return .int(exponent == 0 ? 1 : base) }
        if base == -1 { return .int(exponent % 2 == 0 ? 1 : -1) }
        var value = 1
        for _ in 0..<min(exponent, 64) {
            let (product, overflow) = value.multipliedReportingOverflow(by: base)
            if overflow { throw fault("a number is beyond 64 bits") }
            value = product
        }
        return .int(value)
    }

    private func float(_ left: Double, _ sign: String, _ right: Double) throws(ChatTemplateError) -> TemplateValue {
        switch sign {
        case "+": return .float(left + right)
        case "-": return .float(left - right)
        case "*": return .float(left * right)
        case "**": return .float(TemplateNumbers.power(left, right))
        default:
            if right == 0 { throw fault("division by zero") }
            if sign == "/" { return .float(left / right) }
            let quotient = (left / right).rounded(.down)
            return .float(sign == "//" ? quotient : left - quotient * right)
        }
    }
}
