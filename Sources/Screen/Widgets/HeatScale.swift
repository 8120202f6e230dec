import Foundation

/// How values become levels of a colour map.
package struct HeatScale: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case linear, log, symlog
    }

    package var kind: Kind
    /// The values at the ends of the map; what lies outside is clipped and marked.
    package var lo: Double
    package var hi: Double
    /// Where a log scale begins, and how wide a symlog scale is linear. Shown on the bar.
    package var floor: Double

    package init(_ kind: Kind = .linear, lo: Double, hi: Double, floor: Double = 1e-6) {
        self.kind = kind
        let isUsable = lo.isFinite && hi.isFinite && lo < hi
        self.lo = isUsable ? lo : (lo.isFinite ? lo : 0)
        self.hi = isUsable ? hi : self.lo + 1
        self.floor = floor.isFinite && floor > 0 ? floor : 1e-6
    }

    /// A scale with as much room below zero as above: for values with a sign.
    package static func symmetric(_ limit: Double, _ kind: Kind = .linear, floor: Double = 1e-6) -> HeatScale {
        let size = limit.isFinite && limit != 0 ? abs(limit) : 1
        return HeatScale(kind, lo: -size, hi: size, floor: floor)
    }

    package var isSymmetric: Bool { lo == -hi }

    /// Where a value lies between the ends, 0 to 1; outside it is clipped.
    package func place(_ value: Double) -> Double {
        let (from, to) = (bent(lo), bent(hi))
        guard to > from else { return 0 }
        let place = (bent(value) / 2 - from / 2) / (to / 2 - from / 2)
        return place.isNaN ? 0 : min(max(place, 0), 1)
    }

    package func level(_ value: Double) -> UInt8 {
        let place = place(value)
        return UInt8(min(Int(place * Double(Style.levels)), Style.levels - 1))
    }

    /// −1 below the scale, 1 above it, 0 inside.
    package func clip(_ value: Double) -> Int {
        value < lo ? -1 : value > hi ? 1 : 0
    }

    /// The scale's curve. A log scale of values with a sign bends both sides.
    private func bent(_ value: Double) -> Double {
        switch kind {
        case .linear: return value
        case .symlog: return sign(value) * log1p(abs(value) / floor)
        case .log: return sign(value) * Foundation.log(max(abs(value), floor) / floor)
        }
    }

    private func sign(_ value: Double) -> Double { value < 0 ? -1 : 1 }

    /// What the left end of the bar says.
    var lowLabel: String { Numbers.label(kind == .log && lo >= 0 ? max(lo, floor) : lo) }
    var highLabel: String { (lo < 0 && hi > 0 ? "+" : "") + Numbers.label(hi) }
}

/// How many values of the whole source are no numbers, or lie outside the scale.
package struct HeatCounts: Hashable, Sendable {
    package var nan: Int
    package var posInf: Int
    package var negInf: Int
    package var below: Int
    package var above: Int

    package init(nan: Int = 0, posInf: Int = 0, negInf: Int = 0, below: Int = 0, above: Int = 0) {
        (self.nan, self.posInf, self.negInf, self.below, self.above) = (nan, posInf, negInf, below, above)
    }
}
