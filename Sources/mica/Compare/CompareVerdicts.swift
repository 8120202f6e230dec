import Engine
import Screen
import StrictJSON

/// Noise or bug for each value of a comparison: B's ops by A's formulas on B's own inputs.
struct CompareVerdicts {
    /// By A's names, in running order.
    private let found: [(name: String, verdict: Verdict)]
    private let byName: [String: Verdict]

    /// Both runs must keep their values; they are finished first. Only the forward pass is judged.
    init(_ comparer: Comparer) throws {
        let trusted = try CompareVerdicts.finished(comparer.run)
        var judge: Judge
        if let other = comparer.other {
            judge = Judge(try CompareVerdicts.finished(other), by: trusted)
        } else {
            judge = Judge(comparer.named?.tensors ?? [:], by: trusted)
        }
        var found: [(String, Verdict)] = []
        while !judge.isFinished {
            try Interrupt.check()
            if let verdict = try judge.step() { found.append((trusted.program.values[verdict.value].name, verdict)) }
        }
        self.found = found
        byName = Dictionary(found) { first, _ in first }
    }

    private static func finished(_ run: Stepper) throws -> Stepper {
        var run = run
        while run.cursor < run.program.forwardCount {
            try Interrupt.check()
            try run.step()
        }
        return run
    }

    subscript(name: String) -> Verdict? { byName[name] }

    /// A cell of the table: the kind, and how many times as far as rounding goes.
    func cell(_ name: String) -> String {
        guard let verdict = byName[name] else { return "" }
        return verdict.kind == .same ? "same" : "\(verdict.kind.rawValue) \(Numbers.compact(verdict.factor, digits: 2))"
    }

    /// What the verdicts come to.
    var line: String {
        guard let (name, verdict) = found.first(where: \.verdict.isBug) else {
            let worst = Numbers.compact(found.map(\.verdict.factor).max() ?? 0, digits: 2)
            return "verdict: noise; no value is further from its formula than rounding explains (at most \(worst) of it)"
        }
        let place = verdict.index.isEmpty ? "" : " \(verdict.index)"
        let (given, should) = (Numbers.compact(verdict.found, digits: 7), Numbers.compact(verdict.expected, digits: 7))
        let words = "verdict: bug at \(name)\(place): \(given), the formula on the same inputs gives \(should)"
        guard verdict.factor.isFinite else { return words }
        let (allowed, factor) = (Numbers.compact(verdict.allowed, digits: 2), Numbers.compact(verdict.factor, digits: 3))
        return "\(words) ± \(allowed): \(factor) times as far as rounding explains"
    }

    func json(_ name: String) -> JSONValue {
        guard let verdict = byName[name] else { return .null }
        func number(_ value: Double) -> JSONValue { value.isFinite ? .real(value) : .string(Numbers.compact(value)) }
        return .object([
            ("kind", .string(verdict.kind.rawValue)), ("factor", number(verdict.factor)),
            ("index", .array(verdict.index.map { .integer($0) })), ("found", number(verdict.found)), ("expected", number(verdict.expected)),
            ("allowed", number(verdict.allowed)),
        ])
    }
}
