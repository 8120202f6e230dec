import StrictJSON

/// A value of a template, by Python's rules of truth, equality and printing.
enum TemplateValue: Sendable {
    /// What a missing name or key gives; printing it gives nothing.
    case undefined(String)
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    case list(TemplateList)
    case dict(TemplateDict)
    /// The only values that change; by number in the evaluator.
    case namespace(Int)
    case loop(TemplateLoop)
    case macro(Int)
    /// A function of the language by name.
    case function(String)

    /// Levels of lists and dictionaries.
    var depth: Int {
        switch self {
        case .list(let list): list.depth
        case .dict(let dict): dict.depth
        case .loop(let loop): loop.items.depth
        default: 0
        }
    }

    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .float(let number): number != 0
        case .string(let text): !text.isEmpty
        case .list(let list): !list.items.isEmpty
        case .dict(let dict): !dict.members.isEmpty
        case .namespace, .loop, .macro, .function: true
        }
    }

    /// The kind in a message.
    var kind: String {
        switch self {
        case .undefined(let name): "undefined (\(Quoted.text(name)))"
        case .none: "none"
        case .bool: "a boolean"
        case .int, .float: "a number"
        case .string: "a string"
        case .list: "a list"
        case .dict: "a dictionary"
        case .namespace: "a namespace"
        case .loop: "the loop"
        case .macro: "a macro"
        case .function: "a function"
        }
    }

    /// Booleans are numbers in Python.
    var integer: Int? {
        switch self {
        case .int(let number): number
        case .bool(let flag): flag ? 1 : 0
        default: nil
        }
    }

    var number: Double? { if case .float(let number) = self { number } else { integer.map(Double.init) } }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }

    init(_ json: JSONValue) {
        switch json {
        case .null: self = .none
        case .bool(let flag): self = .bool(flag)
        case .number(let number): self = number.integer.map(TemplateValue.int) ?? .float(number.double)
        case .string(let text): self = .string(text)
        case .array(let values): self = .list(TemplateList(values.map(TemplateValue.init)))
        case .object(let object): self = .dict(TemplateDict(object.members.map { ($0.key, TemplateValue($0.value)) }))
        }
    }
}

struct TemplateList: Sendable {
    let items: [TemplateValue]
    let depth: Int
    /// Printed with round brackets.
    let isTuple: Bool

    init(_ items: [TemplateValue], isTuple: Bool = false) {
        self.items = items
        self.isTuple = isTuple
        depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
    }
}

/// Members in the order they came; keys are strings.
struct TemplateDict: Sendable {
    private(set) var members: [(key: String, value: TemplateValue)]
    private var index: [UTF8Key: Int]
    private(set) var depth: Int

    init(_ members: [(String, TemplateValue)] = []) {
        self.members = []
        index = [:]
        depth = 1
        for (key, value) in members { self[key] = value }
    }

    subscript(_ key: String) -> TemplateValue? {
        get { index[UTF8Key(key)].map { members[$0].value } }
        set {
            guard let newValue else { return }
            depth = max(depth, 1 + newValue.depth)
            if let at = index[UTF8Key(key)] {
                members[at].value = newValue
            } else {
                index[UTF8Key(key)] = members.count
                members.append((key, newValue))
            }
        }
    }
}

/// `loop` inside a `for`.
struct TemplateLoop: Sendable {
    let items: TemplateList
    let index: Int
    /// Loops around and including this one.
    let level: Int

    func attribute(_ name: String) -> TemplateValue? {
        let count = items.items.count
        switch name {
        case "index": return .int(index + 1)
        case "index0": return .int(index)
        case "revindex": return .int(count - index)
        case "revindex0": return .int(count - index - 1)
        case "first": return .bool(index == 0)
        case "last": return .bool(index == count - 1)
        case "length": return .int(count)
        case "depth": return .int(level)
        case "depth0": return .int(level - 1)
        case "previtem": return index > 0 ? items.items[index - 1] : .undefined("loop.previtem")
        case "nextitem": return index + 1 < count ? items.items[index + 1] : .undefined("loop.nextitem")
        default: return nil
        }
    }
}
