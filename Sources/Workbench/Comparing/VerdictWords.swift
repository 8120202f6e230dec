import Engine
import Screen

/// Noise or bug in words.
package enum VerdictWords {
    /// A cell of a table: the kind, and how many times as far as rounding goes.
    package static func cell(_ verdict: Verdict?) -> String {
        guard let verdict else { return "" }
        return verdict.kind == .same ? "same" : "\(verdict.kind.rawValue) \(Numbers.compact(verdict.factor, digits: 2))"
    }

    /// The same in nine columns: what is carried needs no factor, and no share needs its nought.
    static func short(_ verdict: Verdict?) -> Span {
        guard let verdict else { return Span("", .dim) }
        switch verdict.kind {
        case .same: return Span("same", .dim)
        case .carried: return Span("carried", .text)
        case .noise: return Span("noise \(share(verdict.factor))", .ok)
        case .bug: return Span("bug \(Numbers.compact(verdict.factor, digits: 2))", .err)
        }
    }

    /// `.06`, `1`
    private static func share(_ factor: Double) -> String {
        factor < 0.005 ? "0" : factor > 0.995 ? "1" : String(Numbers.fixed(factor, decimals: 2).dropFirst())
    }

    /// What the verdicts come to.
    package static func line(_ verdicts: Verdicts) -> String {
        guard let bug = verdicts.firstBug else {
            if verdicts.isNothingJudged { return "verdict: none; \(nothing)" }
            if verdicts.entries.allSatisfy({ $0.verdict.kind == .same }) { return "verdict: same; B has the bits of A" }
            let worst = Numbers.compact(verdicts.worst, digits: 2)
            return "verdict: noise; no value is further from its formula than rounding explains (at most \(worst) of it)"
        }
        let verdict = bug.verdict
        guard !verdict.isOfOtherSize else { return "verdict: bug at \(bug.name): \(sizes(verdict))" }
        let place = verdict.index.isEmpty ? "" : " \(verdict.index)"
        let (given, should) = (Numbers.compact(verdict.found, digits: 7), Numbers.compact(verdict.expected, digits: 7))
        guard bug.isMade else { return "verdict: bug at \(bug.name)\(place): \(given), A has \(should)" }
        let words = "verdict: bug at \(bug.name)\(place): \(given), the formula on the same inputs gives \(should)"
        guard verdict.factor.isFinite else { return words }
        let (allowed, factor) = (Numbers.compact(verdict.allowed, digits: 2), Numbers.compact(verdict.factor, digits: 3))
        return "\(words) ± \(allowed): \(factor) times as far as rounding explains"
    }

    /// Where only a rounding after the run explains some values.
    package static func kept(_ verdicts: Verdicts) -> String? {
        verdicts.kept.map {
            "some of B's values are right only if all were rounded to \($0) when they were kept; a mistake smaller than that is not seen"
        }
    }

    /// `bug 240 × at 0 · mlp · act_fn`, or `noise`.
    static func sum(_ verdicts: Verdicts) -> String {
        guard let bug = verdicts.firstBug else {
            if verdicts.isNothingJudged { return nothing }
            let kept = verdicts.kept.map { ", if B was kept in \($0)" } ?? ""
            return "noise\(kept), at most \(Numbers.compact(verdicts.worst, digits: 2)) of what rounding explains"
        }
        let (verdict, name) = (bug.verdict, Names.short(bug.name))
        if verdict.isOfOtherSize { return "bug at \(name): \(sizes(verdict))" }
        if !bug.isMade { return "bug at \(name), which was given otherwise" }
        return "bug at \(name), \(Numbers.compact(verdict.factor, digits: 2)) × rounding"
    }

    private static let nothing = "no value of B could be judged"

    /// `9 numbers where the program has 8`
    private static func sizes(_ verdict: Verdict) -> String {
        "\(Numbers.count(Int(verdict.found))) numbers where the program has \(Numbers.count(Int(verdict.expected)))"
    }

    /// Of one value for the box: what the formula gives there and how far rounding goes.
    static func lines(_ verdict: Verdict?, width: Int) -> [Line] {
        guard let verdict, verdict.kind != .same, !verdict.index.isEmpty else { return [] }
        let kind = Span("\(verdict.kind.rawValue) ", verdict.isBug ? .err : .ok)
        let factor = Span("\(Numbers.compact(verdict.factor, digits: 3)) × rounding  ", .emphasis)
        let (found, expected) = (Numbers.compact(verdict.found, digits: 6), Numbers.compact(verdict.expected, digits: 6))
        let words = "\(verdict.index): B \(found), formula \(expected) ± \(Numbers.compact(verdict.allowed, digits: 2))"
        let isOneLine = kind.text.count + factor.text.count + VisibleText.width(words) <= width
        return isOneLine ? [[kind, factor, Span(words, .dim)]] : [[kind, factor], Line("  " + words, .dim)]
    }

    /// `16 samples ± 1.2e-08, predicted ± 1.4e-08`
    static func line(_ spread: RoundingSpread) -> Line {
        [
            Span("\(spread.samples) samples ± \(Numbers.compact(spread.measured))", .emphasis),
            Span(", predicted ± \(Numbers.compact(spread.predicted)), over the whole value", .dim),
        ]
    }
}
