/// Runs a template's statements. Everything that a template does is counted against `TemplateLimit`.
struct TemplateEvaluator {
    private var scopes: [[String: TemplateValue]]
    var namespaces: [[String: TemplateValue]] = []
    private var macros: [TemplateMacro] = []
    /// The text at hand, innermost last: a macro's and a block's is kept apart.
    private var outputs: [[UInt8]] = [[]]
    /// Where the assistant's words stand in the text, in bytes.
    private(set) var generated: [Range<Int>] = []
    private var steps = 0
    private var depth = 0
    private var calls = 0
    private var loops = 0
    /// Of the statement at work.
    private(set) var line = 1

    private enum Flow {
        case onward, breakLoop, continueLoop
    }

    init(context: [String: TemplateValue]) {
        var context = context
        for name in ["range", "namespace", "dict", "raise_exception"] { context[name] = .function(name) }
        scopes = [context]
    }

    var text: [UInt8] { outputs[0] }

    mutating func run(_ statements: [TemplateStatement]) throws(ChatTemplateError) { _ = try execute(statements) }

    // MARK: Limits

    func fault(_ rule: String) -> ChatTemplateError { ChatTemplateError(line: line, rule) }

    /// Counts work; copying or comparing n elements is n steps, n bytes n / 64.
    mutating func spend(_ count: Int = 1) throws(ChatTemplateError) {
        steps += count
        if steps > TemplateLimit.steps { throw fault("template stopped: more than \(TemplateLimit.steps / 1_000_000) M steps") }
    }

    mutating func checkBytes(_ count: Int) throws(ChatTemplateError) {
        if count > TemplateLimit.bytes { throw fault("template stopped: more than \(TemplateLimit.bytes >> 20) MiB of output") }
        try spend(count / 64)
    }

    mutating func checked(_ text: String) throws(ChatTemplateError) -> TemplateValue {
        try checkBytes(text.utf8.count)
        return .string(text)
    }

    mutating func list(_ items: [TemplateValue], isTuple: Bool = false) throws(ChatTemplateError) -> TemplateValue {
        try spend(items.count)
        let list = TemplateList(items, isTuple: isTuple)
        try checkDepth(list.depth)
        return .list(list)
    }

    mutating func checkDepth(_ depth: Int) throws(ChatTemplateError) {
        // The conversation itself may be as deep as JSON allows.
        if depth > 2 * TemplateLimit.nesting { throw fault("template nested deeper than \(TemplateLimit.nesting): a value in values") }
    }

    /// Runs `work` one level deeper in evaluation.
    mutating func deeper<T>(_ work: (inout TemplateEvaluator) throws(ChatTemplateError) -> T) throws(ChatTemplateError) -> T {
        try spend()
        depth += 1
        if depth > TemplateLimit.evaluation { throw fault("template nested deeper than \(TemplateLimit.nesting) in macros") }
        defer { depth -= 1 }
        return try work(&self)
    }

    // MARK: Names

    func lookup(_ name: String) -> TemplateValue {
        for scope in scopes.reversed() { if let value = scope[name] { return value } }
        return .undefined(name)
    }

    private mutating func assign(_ name: String, _ value: TemplateValue) { scopes[scopes.count - 1][name] = value }

    /// One value to one name, or the items of a list to several.
    private mutating func assign(_ targets: [String], _ value: TemplateValue) throws(ChatTemplateError) {
        if targets.count == 1 { return assign(targets[0], value) }
        let items = try self.items(value)
        guard items.count == targets.count else { throw fault("\(items.count) values for \(targets.count) names") }
        for (target, item) in zip(targets, items) { assign(target, item) }
    }

    // MARK: Statements

    private mutating func write(_ bytes: some Collection<UInt8>) throws(ChatTemplateError) {
        try spend(bytes.count / 64)
        outputs[outputs.count - 1] += bytes
        let count = outputs[outputs.count - 1].count
        if count > TemplateLimit.bytes { try checkBytes(count) }
    }

    private mutating func execute(_ statements: [TemplateStatement]) throws(ChatTemplateError) -> Flow {
        try deeper { evaluator throws(ChatTemplateError) in
            for statement in statements {
                evaluator.line = statement.line
                let flow = try evaluator.execute(statement.kind)
                if flow != .onward { return flow }
            }
            return .onward
        }
    }

    private mutating func execute(_ statement: TemplateStatement.Kind) throws(ChatTemplateError) -> Flow {
        try spend()
        switch statement {
        case .text(let text): try write(text.utf8)
        case .output(let expression): try write(printed(evaluate(expression)).utf8)
        case .branches(let branches, let otherwise): return try execute(branches, otherwise)
        case .loop(let targets, let items, let condition, let body, let otherwise):
            return try loop(targets, items, condition, body, otherwise)
        case .set(let targets, let value): try assign(targets, evaluate(value))
        case .setAttribute(let owner, let name, let value): try setAttribute(owner, name, evaluate(value))
        case .setBlock(let name, let filters, let body): assign(name, try captured(body, filters))
        case .filterBlock(let filters, let body): try write(printed(captured(body, filters)).utf8)
        case .with(let values, let body): return try with(values, body)
        case .macro(let name, let macro): define(name, macro)
        case .generation(let body): return try generation(body)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .onward
    }

    private mutating func execute(
        _ branches: [(condition: TemplateExpression, body: [TemplateStatement])], _ otherwise: [TemplateStatement]
    ) throws(ChatTemplateError) -> Flow {
        for branch in branches where try evaluate(branch.condition).isTrue { return try execute(branch.body) }
        return try execute(otherwise)
    }

    /// The names of a body are its own.
    private mutating func scoped(
        _ scope: [String: TemplateValue], _ body: [TemplateStatement]
    ) throws(ChatTemplateError) -> Flow {
        scopes.append(scope)
        defer { scopes.removeLast() }
        return try execute(body)
    }

    private mutating func loop(
        _ targets: [String], _ over: TemplateExpression, _ condition: TemplateExpression?, _ body: [TemplateStatement],
        _ otherwise: [TemplateStatement]
    ) throws(ChatTemplateError) -> Flow {
        var items = try items(evaluate(over))
        if let condition { items = try kept(items, targets, where: condition) }
        if items.isEmpty { return try execute(otherwise) }
        loops += 1
        defer { loops -= 1 }
        let list = TemplateList(items)
        for (index, item) in items.enumerated() {
            scopes.append(["loop": .loop(TemplateLoop(items: list, index: index, level: loops))])
            defer { scopes.removeLast() }
            try assign(targets, item)
            if try execute(body) == .breakLoop { break }
        }
        return .onward
    }

    /// What `for … if` leaves of the items.
    private mutating func kept(
        _ items: [TemplateValue], _ targets: [String], where condition: TemplateExpression
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var kept: [TemplateValue] = []
        for item in items {
            scopes.append([:])
            defer { scopes.removeLast() }
            try assign(targets, item)
            if try evaluate(condition).isTrue { kept.append(item) }
        }
        return kept
    }

    private mutating func setAttribute(_ owner: String, _ name: String, _ value: TemplateValue) throws(ChatTemplateError) {
        guard case .namespace(let index) = lookup(owner) else {
            throw fault("cannot set \(Quoted.text(owner + "." + name)): only a namespace can be changed")
        }
        if case .namespace = value { throw fault("a namespace in a namespace is refused") }
        namespaces[index][name] = value
    }

    /// The text of a body, through filters.
    private mutating func captured(
        _ body: [TemplateStatement], _ filters: [TemplatePostfix]
    ) throws(ChatTemplateError) -> TemplateValue {
        let text = try captured { evaluator throws(ChatTemplateError) in _ = try evaluator.scoped([:], body) }
        return try apply(filters, to: .string(text))
    }

    private mutating func captured(
        _ work: (inout TemplateEvaluator) throws(ChatTemplateError) -> Void
    ) throws(ChatTemplateError) -> String {
        outputs.append([])
        try work(&self)
        return String(decoding: outputs.popLast() ?? [], as: UTF8.self)
    }

    private mutating func with(
        _ values: [(name: String, value: TemplateExpression)], _ body: [TemplateStatement]
    ) throws(ChatTemplateError) -> Flow {
        var scope: [String: TemplateValue] = [:]
        for item in values { scope[item.name] = try evaluate(item.value) }
        return try scoped(scope, body)
    }

    /// Words that are gathered in a macro or a block are not known by their place in the text.
    private mutating func generation(_ body: [TemplateStatement]) throws(ChatTemplateError) -> Flow {
        let isOutermost = outputs.count == 1
        let start = outputs[0].count
        let flow = try scoped([:], body)
        if isOutermost { generated.append(start..<outputs[0].count) }
        return flow
    }

    // MARK: Macros

    private mutating func define(_ name: String, _ macro: TemplateMacro) {
        var macro = macro
        macro.depth = scopes.count
        macros.append(macro)
        assign(name, .macro(macros.count - 1))
    }

    mutating func call(
        macro index: Int, _ positional: [TemplateValue], _ named: [(name: String, value: TemplateValue)]
    ) throws(ChatTemplateError) -> TemplateValue {
        let macro = macros[index]
        if positional.count > macro.parameters.count {
            throw fault("a macro is given \(positional.count) values, takes \(macro.parameters.count)")
        }
        calls += 1
        if calls > TemplateLimit.nesting { throw fault("template nested deeper than \(TemplateLimit.nesting): macros call macros") }
        defer { calls -= 1 }
        let (outer, line, loops) = (scopes, line, loops)
        defer { (scopes, self.line, self.loops) = (outer, line, loops) }
        scopes = Array(scopes.prefix(macro.depth))
        scopes.append([:])
        for (position, parameter) in macro.parameters.enumerated() {
            let given = position < positional.count ? positional[position] : named.first { $0.name == parameter.name }?.value
            if let given {
                assign(parameter.name, given)
            } else if let standard = parameter.standard {
                assign(parameter.name, try evaluate(standard))
            } else {
                assign(parameter.name, .undefined(parameter.name))
            }
        }
        return .string(try captured { evaluator throws(ChatTemplateError) in _ = try evaluator.execute(macro.body) })
    }
}
