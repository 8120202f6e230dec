/// Tests: `value is name(arguments)`.
enum TemplateTests {
    static let names: Set<String> = [
        "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "true", "false", "mapping", "iterable",
        "sequence", "callable", "odd", "even", "divisibleby", "lower", "upper", "in", "sameas", "equalto", "eq", "ne", "lt", "le", "gt",
        "ge",
    ]

    static func holds(
        _ name: String, _ value: TemplateValue, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> Bool {
        switch name {
        case "defined": return !value.isUndefined
        case "undefined": return value.isUndefined
        case "odd", "even", "divisibleby": return try divides(name, value, given, evaluator)
        case "lower": return try evaluator.areEqual(value, .string(evaluator.printed(value).lowercased()))
        case "upper": return try evaluator.areEqual(value, .string(evaluator.printed(value).uppercased()))
        case "sameas", "equalto", "eq", "ne", "lt", "le", "gt", "ge", "in": return try compares(name, value, given, &evaluator)
        default:
            guard names.contains(name) else { throw evaluator.fault("unknown test \(Quoted.text(name))") }
            return isKind(name, value)
        }
    }

    private static func isKind(_ name: String, _ value: TemplateValue) -> Bool {
        switch (name, value) {
        case ("none", .none), ("string", .string), ("boolean", .bool), ("mapping", .dict): true
        case ("number", .int), ("number", .float), ("number", .bool), ("integer", .int), ("float", .float): true
        case ("true", .bool(let flag)): flag
        case ("false", .bool(let flag)): !flag
        case ("iterable", .list), ("iterable", .dict), ("iterable", .string), ("iterable", .undefined): true
        case ("sequence", .list), ("sequence", .dict), ("sequence", .string), ("sequence", .undefined): true
        case ("callable", .macro), ("callable", .function): true
        default: false
        }
    }

    private static func divides(
        _ name: String, _ value: TemplateValue, _ given: TemplateGiven, _ evaluator: TemplateEvaluator
    ) throws(ChatTemplateError) -> Bool {
        guard let number = value.integer else { throw evaluator.fault("'\(name)' needs a whole number, not \(value.kind)") }
        if name == "odd" { return number % 2 != 0 }
        guard let divisor = name == "even" ? 2 : given[0]?.integer, divisor != 0 else { throw evaluator.fault("division by zero") }
        return divisor == -1 || number % divisor == 0
    }

    private static func compares(
        _ name: String, _ value: TemplateValue, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> Bool {
        guard let other = given[0] else { throw evaluator.fault("'\(name)' needs a value to compare with") }
        switch name {
        case "ne": return try !evaluator.areEqual(value, other)
        case "lt": return try evaluator.isLess(value, other)
        case "le": return try !evaluator.isLess(other, value)
        case "gt": return try evaluator.isLess(other, value)
        case "ge": return try !evaluator.isLess(value, other)
        case "in": return try evaluator.contains(other, value)
        case "sameas": return value.kind == other.kind ? try evaluator.areEqual(value, other) : false
        default: return try evaluator.areEqual(value, other)
        }
    }
}
