/// What follows a value: its members and items, calls, filters and tests.
extension TemplateEvaluator {
    mutating func apply(
        _ steps: [TemplatePostfix], to value: TemplateValue, named base: TemplateExpression? = nil
    ) throws(ChatTemplateError) -> TemplateValue {
        var value = value
        for step in steps {
            try spend()
            value = try apply(step, to: value)
        }
        return value
    }

    private mutating func apply(_ step: TemplatePostfix, to value: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
        switch step {
        case .attribute(let name): return try attribute(name, of: value)
        case .subscripted(let key): return try item(evaluate(key), of: value)
        case .slice(let first, let end, let stride): return try slice(value, bound(first), bound(end), bound(stride))
        case .call(let arguments): return try call(value, given(arguments))
        case .method(let name, let arguments): return try method(name, of: value, given(arguments))
        case .filter(let name, let arguments): return try TemplateFilters.apply(name, to: value, given(arguments), &self)
        case .test(let name, let arguments, let negated):
            let holds = try TemplateTests.holds(name, value, given(arguments), &self)
            return .bool(holds != negated)
        }
    }

    private mutating func given(_ arguments: TemplateArguments) throws(ChatTemplateError) -> TemplateGiven {
        var given = TemplateGiven(positional: try values(arguments.positional))
        for argument in arguments.named { given.named.append((argument.name, try evaluate(argument.value))) }
        return given
    }

    // MARK: Members and items

    private func requireDefined(_ value: TemplateValue) throws(ChatTemplateError) {
        if case .undefined(let name) = value { throw fault("\(Quoted.text(name)) is undefined") }
    }

    func attribute(_ name: String, of value: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
        try requireDefined(value)
        if TemplateParser.isForbidden(name) { throw fault("template uses forbidden name \(Quoted.text(name))") }
        switch value {
        case .dict(let dict):
            // As in Python, a method of the dictionary hides a key of its name; `d['items']` finds the key.
            return TemplateMethods.ofDict.contains(name) ? .function(name) : dict[name] ?? .undefined(name)
        case .namespace(let index): return namespaces[index][name] ?? .undefined(name)
        case .loop(let loop): return loop.attribute(name) ?? .undefined("loop." + name)
        case .string: return TemplateMethods.ofString.contains(name) ? .function(name) : .undefined(name)
        default: return .undefined(name)
        }
    }

    private mutating func item(_ key: TemplateValue, of value: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
        try requireDefined(value)
        if case .string(let name) = key {
            if case .dict(let dict) = value, let member = dict[name] { return member }
            return try attribute(name, of: value)
        }
        guard let index = key.integer else { return .undefined("[\(key.kind)]") }
        switch value {
        case .list(let list): return Self.element(list.items, index) ?? .undefined("[\(index)]")
        case .string(let text):
            try spend(text.utf8.count / 64)
            return Self.element(Array(text.unicodeScalars), index).map { .string(String($0)) } ?? .undefined("[\(index)]")
        default: return .undefined("[\(index)]")
        }
    }

    /// From the end if the index is negative.
    private static func element<T>(_ items: [T], _ index: Int) -> T? {
        let at = index < 0 && index >= -items.count ? items.count + index : index
        return items.indices.contains(at) ? items[at] : nil
    }

    private mutating func bound(_ expression: TemplateExpression?) throws(ChatTemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression)
        if case .none = value { return nil }
        guard let index = value.integer else { throw fault("a slice needs whole numbers, not \(value.kind)") }
        return index
    }

    private mutating func slice(_ value: TemplateValue, _ first: Int?, _ end: Int?, _ stride: Int?) throws(ChatTemplateError)
        -> TemplateValue
    {
        if stride == 0 { throw fault("a slice cannot have steps of 0") }
        switch value {
        case .list(let list):
            let indices = TemplateNumbers.slice(list.items.count, first, end, stride ?? 1)
            return try self.list(indices.map { list.items[$0] }, isTuple: list.isTuple)
        case .string(let text):
            try spend(text.utf8.count / 16)
            let scalars = Array(text.unicodeScalars)
            var result = String.UnicodeScalarView()
            result.append(contentsOf: TemplateNumbers.slice(scalars.count, first, end, stride ?? 1).map { scalars[$0] })
            return .string(String(result))
        default: throw fault("cannot take a slice of \(value.kind)")
        }
    }

    /// What a `for` goes through: items, keys of a dictionary, characters.
    mutating func items(_ value: TemplateValue) throws(ChatTemplateError) -> [TemplateValue] {
        switch value {
        case .list(let list):
            try spend(list.items.count)
            return list.items
        case .dict(let dict):
            try spend(dict.members.count)
            return dict.members.map { .string($0.key) }
        case .string(let text):
            try spend(text.utf8.count)
            return text.unicodeScalars.map { .string(String($0)) }
        case .undefined: return []
        default: throw fault("\(value.kind) has no items")
        }
    }

    // MARK: Calls

    private mutating func call(_ value: TemplateValue, _ given: TemplateGiven) throws(ChatTemplateError) -> TemplateValue {
        switch value {
        case .macro(let index): return try call(macro: index, given.positional, given.named)
        case .function(let name): return try function(name, given)
        case .undefined(let name): throw fault("\(Quoted.text(name)) is undefined and cannot be called")
        default: throw fault("\(value.kind) cannot be called")
        }
    }

    private mutating func function(_ name: String, _ given: TemplateGiven) throws(ChatTemplateError) -> TemplateValue {
        switch name {
        case "range": return try range(given)
        case "raise_exception": throw fault("the template refuses: \(TemplateText.excerpt(try printed(given[0] ?? .string(""))))")
        case "dict": return .dict(TemplateDict(try members(given)))
        case "namespace":
            namespaces.append(Dictionary(try members(given)) { $1 })
            return .namespace(namespaces.count - 1)
        default: throw fault("\(Quoted.text(name)) cannot be called so")
        }
    }

    /// Members of a dictionary given as such, or by name.
    private mutating func members(_ given: TemplateGiven) throws(ChatTemplateError) -> [(String, TemplateValue)] {
        var members: [(String, TemplateValue)] = []
        if let first = given[0] {
            guard case .dict(let dict) = first else { throw fault("a dictionary is expected, not \(first.kind)") }
            members = dict.members.map { ($0.key, $0.value) }
        }
        for argument in given.named {
            try requireSafe(argument.name)
            if case .namespace = argument.value { throw fault("a namespace in a namespace is refused") }
            members.append((argument.name, argument.value))
        }
        try spend(members.count)
        return members
    }

    private func requireSafe(_ name: String) throws(ChatTemplateError) {
        if TemplateParser.isForbidden(name) { throw fault("template uses forbidden name \(Quoted.text(name))") }
    }

    private mutating func range(_ given: TemplateGiven) throws(ChatTemplateError) -> TemplateValue {
        var bounds: [Int] = []
        for value in given.positional {
            guard let bound = value.integer else { throw fault("range needs whole numbers, not \(value.kind)") }
            bounds.append(bound)
        }
        guard (1...3).contains(bounds.count), bounds.count < 3 || bounds[2] != 0 else {
            throw fault("range needs 1 to 3 numbers, steps not 0")
        }
        let (first, end) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
        let step = bounds.count == 3 ? bounds[2] : 1
        var numbers: [TemplateValue] = []
        var next: Int? = first
        while let number = next, step > 0 ? number < end : number > end {
            if numbers.count >= TemplateLimit.range { throw fault("template stopped: a range of more than \(TemplateLimit.range) numbers") }
            numbers.append(.int(number))
            let (sum, overflow) = number.addingReportingOverflow(step)
            next = overflow ? nil : sum
        }
        return try list(numbers)
    }

    private mutating func method(_ name: String, of value: TemplateValue, _ given: TemplateGiven) throws(ChatTemplateError) -> TemplateValue
    {
        switch value {
        case .string(let text): return try TemplateMethods.call(name, of: text, given, &self)
        case .dict(let dict) where TemplateMethods.ofDict.contains(name): return try TemplateMethods.call(name, of: dict, given, &self)
        case .loop(let loop) where name == "cycle" && !given.positional.isEmpty:
            return given.positional[loop.index % given.positional.count]
        case .list: throw fault("a list has no method \(Quoted.text(name)) here: values do not change")
        default: return try call(attribute(name, of: value), given)
        }
    }
}

/// Values that a call is given.
struct TemplateGiven {
    var positional: [TemplateValue] = []
    var named: [(name: String, value: TemplateValue)] = []

    subscript(_ index: Int) -> TemplateValue? { index < positional.count ? positional[index] : nil }

    /// By place or by name.
    func value(_ index: Int, _ name: String) -> TemplateValue? { self[index] ?? named.first { $0.name == name }?.value }

    func string(_ index: Int, _ name: String) -> String? { if case .string(let text)? = value(index, name) { text } else { nil } }

    func flag(_ index: Int, _ name: String) -> Bool { value(index, name)?.isTrue ?? false }

    /// Without the first by place.
    var rest: TemplateGiven { TemplateGiven(positional: Array(positional.dropFirst()), named: named) }
}
