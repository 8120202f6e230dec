/// An expression of a template. Chains (`a + b + c`, `a.b[c] | d`) are lists, so that a long one is not a deep one.
indirect enum TemplateExpression: Sendable {
    case constant(TemplateValue)
    case name(String)
    case list([TemplateExpression])
    /// Values with commas between them, in round brackets or none.
    case tuple([TemplateExpression])
    case dict([(key: TemplateExpression, value: TemplateExpression)])
    case not(TemplateExpression)
    case negative(TemplateExpression)
    case and([TemplateExpression])
    case or([TemplateExpression])
    case compare(TemplateExpression, [(sign: TemplateComparison, operand: TemplateExpression)])
    case arithmetic(TemplateExpression, [(sign: String, operand: TemplateExpression)])
    /// `a ~ b`.
    case concat([TemplateExpression])
    case conditional(TemplateExpression, condition: TemplateExpression, otherwise: TemplateExpression?)
    case postfix(TemplateExpression, [TemplatePostfix])
}

enum TemplateComparison: String, Sendable {
    case equal = "==", unequal = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
    case contained = "in", notContained = "not in"
}

/// What follows a value.
enum TemplatePostfix: Sendable {
    case attribute(String)
    case subscripted(TemplateExpression)
    case slice(TemplateExpression?, TemplateExpression?, TemplateExpression?)
    case call(TemplateArguments)
    case method(String, TemplateArguments)
    case filter(String, TemplateArguments)
    case test(String, TemplateArguments, negated: Bool)
}

struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
}

/// A statement with the line it begins on.
struct TemplateStatement: Sendable {
    let line: Int
    let kind: Kind

    indirect enum Kind: Sendable {
        case text(String)
        case output(TemplateExpression)
        case branches([(condition: TemplateExpression, body: [TemplateStatement])], otherwise: [TemplateStatement])
        case loop(
            targets: [String], over: TemplateExpression, condition: TemplateExpression?, body: [TemplateStatement],
            otherwise: [TemplateStatement])
        case set(targets: [String], TemplateExpression)
        case setAttribute(of: String, String, TemplateExpression)
        case setBlock(String, filters: [TemplatePostfix], [TemplateStatement])
        case filterBlock([TemplatePostfix], [TemplateStatement])
        case with([(name: String, value: TemplateExpression)], [TemplateStatement])
        case macro(String, TemplateMacro)
        /// Words of the assistant, which count in a finetune's loss.
        case generation([TemplateStatement])
        case breakLoop, continueLoop
    }
}

struct TemplateMacro: Sendable {
    let parameters: [(name: String, standard: TemplateExpression?)]
    let body: [TemplateStatement]
    /// Scopes that it sees, from the outermost; set where it is defined.
    var depth = 1
}
