import Engine
import Screen
import Tensors

/// A NaN or an infinity in words and numbers.
package enum NonFiniteWords {
    /// `3 · mlp · down_proj [4, 17] = +Inf, 12 of 1,088`
    package static func place(_ found: NonFinite, _ program: Program, short: Bool = true) -> String {
        let name = program.values[found.value].name
        let count = "\(Numbers.count(found.count)) of \(Numbers.count(found.elements)) elements"
        return "\(short ? Names.short(name) : name) \(found.index) = \(number(found.number)), \(count)"
    }

    /// Which numbers and which operation made it: `+Inf = 70000 rounded to fp16, which ends at 65504`.
    package static func cause(_ found: NonFinite, _ program: Program) -> String {
        switch found.cause {
        case .edited: return "an edit put it there"
        case .given(let value, let index, let given, let original):
            let place = "\(Names.short(program.values[value].name)) \(index)"
            guard let original, original.isFinite else { return "\(place) is \(number(given)) in what was given" }
            return "\(place) = \(number(original)) is \(number(given)) in a format that ends before it"
        case .rounded(let exact, let format): return "\(number(found.number)) = \(number(exact)) rounded to \(end(of: format))"
        case .part(let part): return "\(number(part.number)) = \(operation(part))  (\(part.name), inside)" + origin(part)
        case .between(let format, let part, let size):
            return "\(part ?? "the sum") reaches \(number(size)) and is rounded to \(end(of: format))"
        case .hidden(let keys): return "\(number(found.number)) = softmax of \(Numbers.count(keys)) keys, all of them hidden"
        case .uncounted: return "\(number(found.number)) = 0 / 0: no token counts"
        case .operation(let part): return "\(number(part.number)) = \(operation(part))"
        }
    }

    /// Where the infinity in it came from.
    private static func origin(_ part: NonFinite.Part) -> String {
        part.origins.last.map { ", \(number($0.number)) = \(operation($0))  (\($0.name))" } ?? ""
    }

    /// What the number was added up from, if that says more than the cause: the number of terms and the largest.
    package static func terms(_ found: NonFinite) -> String? {
        guard case .rounded(let exact, _) = found.cause, let largest = found.sources.first, largest.term.isFinite else { return nil }
        if found.sourceCount <= 3 { return "\(number(exact)) = " + found.sources.map(term).joined(separator: " + ") }
        return "\(number(exact)) = the sum of \(Numbers.count(found.sourceCount)) terms, the largest \(term(largest))"
    }

    /// The numbers that were read, a line each.
    package static func sources(_ found: NonFinite, _ program: Program) -> [String] {
        found.sources.map { "\(number($0.number))  \(Names.short(program.values[$0.value].name)) \($0.index)" }
    }

    package static func spread(_ found: NonFinite) -> String {
        found.later == 0 ? "nothing was computed after it" : "\(found.spread) of the \(found.later) values after it have some too"
    }

    private static func end(of format: NumberFormat) -> String {
        let limit = "\(format.name), which ends at \(Numbers.compact(format.maximum))"
        return format.specials == .onlyNaN ? limit + " and has no infinity" : limit
    }

    private static func term(_ source: Lineage.Source) -> String {
        source.weight == 1 ? factor(source.number) : "\(factor(source.number)) · \(factor(source.weight))"
    }

    private static func operation(_ part: NonFinite.Part) -> String {
        let numbers = part.operands.map(factor)
        switch part.op {
        case let zip as Zip: return numbers.joined(separator: sign(zip.function)) + limit(part)
        case let map as Map: return applied(map.function, numbers.first ?? "") + limit(part)
        case let reduce as Reduce: return "\(reduce.function.rawValue) of \(Numbers.count(numbers.count)) numbers, \(largest(part))"
        case is RunningSum: return "\(numbers.first ?? "0") + \(numbers.dropFirst().joined(separator: " · "))\(limit(part))"
        case is Add: return numbers.joined(separator: " + ") + limit(part)
        case is Multiply: return numbers.joined(separator: " · ") + limit(part)
        default: return "\(part.name) of " + (numbers.isEmpty ? "its inputs" : numbers.joined(separator: ", "))
        }
    }

    /// Finite numbers that make an infinity were too much for what the part was computed in.
    private static func limit(_ part: NonFinite.Part) -> String {
        let isDivision = part.operands.last == 0
        guard part.number.isInfinite, part.operands.allSatisfy(\.isFinite), !isDivision else { return "" }
        return ", \(part.format.name) ends at \(Numbers.compact(part.format.maximum))"
    }

    private static func largest(_ part: NonFinite.Part) -> String {
        "the largest \(number(part.operands.max { $0.magnitude < $1.magnitude } ?? .nan))"
    }

    private static func sign(_ function: Zip.Function) -> String {
        switch function {
        case .add: " + "
        case .subtract: " − "
        case .multiply: " · "
        case .divide: " / "
        case .pick: ", at "
        }
    }

    private static func applied(_ function: Map.Function, _ x: String) -> String {
        switch function {
        case .exp: "exp(\(x))"
        case .log: "log(\(x))"
        case .square: "\(x)²"
        case .reciprocalSquareRoot: "1/√\(x)"
        case .plus(let y): "\(x) + \(factor(y))"
        case .times(let y): "\(x) · \(factor(y))"
        case .softcap(let cap): "\(number(cap))·tanh(\(x)/\(number(cap)))"
        case .softcapSlope(let cap): "1 − (\(x)/\(number(cap)))²"
        case .erf: "erf(\(x))"
        }
    }

    private static func number(_ x: Double) -> String { Numbers.compact(x, digits: 4) }
    private static func factor(_ x: Double) -> String { x < 0 ? "(\(number(x)))" : number(x) }
}
