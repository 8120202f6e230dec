/// A set of scalars, as a character class of a pattern describes it.
indirect enum ScalarSet: Sendable {
    case range(ClosedRange<UInt32>)
    case kinds(KindSet)
    case not(ScalarSet)
    case any([ScalarSet])
    case all([ScalarSet])

    static func scalar(_ value: UInt32) -> ScalarSet { .range(value...value) }
    static let newline = scalar(0x0A)
    /// `.`: everything but the line feed.
    static let dot = ScalarSet.not(newline)
    /// Everything.
    static let everything = ScalarSet.not(.any([]))

    /// Whether a scalar of this kind is in the set.
    func contains(_ value: UInt32, _ kind: ScalarKind) -> Bool {
        switch self {
        case .range(let range): range.contains(value)
        case .kinds(let kinds): kinds.contains(kind)
        case .not(let set): !set.contains(value, kind)
        case .any(let sets): sets.contains { $0.contains(value, kind) }
        case .all(let sets): sets.allSatisfy { $0.contains(value, kind) }
        }
    }

    /// Every range that is part of the description.
    var ranges: [ClosedRange<UInt32>] {
        switch self {
        case .range(let range): [range]
        case .kinds: []
        case .not(let set): set.ranges
        case .any(let sets), .all(let sets): sets.flatMap(\.ranges)
        }
    }

    /// How many parts the description has: what it costs to look something up in it.
    var size: Int {
        switch self {
        case .range, .kinds: 1
        case .not(let set): 1 + set.size
        case .any(let sets), .all(let sets): 1 + sets.reduce(0) { $0 + $1.size }
        }
    }
}

/// Case folding of single scalars: what `(?i:…)` adds to a class.
enum CaseFolding {
    /// Scalars that fold together although neither is the simple upper or lower case of the other (Unicode, CaseFolding.txt,
    /// status C and S).
    private static let irregular: [[UInt32]] = [
        [0x4B, 0x6B, 0x212A], [0x53, 0x73, 0x17F], [0xC5, 0xE5, 0x212B], [0xB5, 0x39C, 0x3BC], [0xDF, 0x1E9E],
        [0x398, 0x3B8, 0x3D1, 0x3F4], [0x392, 0x3B2, 0x3D0], [0x395, 0x3B5, 0x3F5], [0x399, 0x3B9, 0x345, 0x1FBE], [0x39A, 0x3BA, 0x3F0],
        [0x3A0, 0x3C0, 0x3D6], [0x3A1, 0x3C1, 0x3F1], [0x3A3, 0x3C3, 0x3C2], [0x3A6, 0x3C6, 0x3D5], [0x3A9, 0x3C9, 0x2126],
        [0x1E60, 0x1E61, 0x1E9B], [0x1C4, 0x1C5, 0x1C6], [0x1C7, 0x1C8, 0x1C9], [0x1CA, 0x1CB, 0x1CC], [0x1F1, 0x1F2, 0x1F3],
    ]

    /// `value` and every scalar that differs from it only in case.
    static func variants(_ value: UInt32) -> Set<UInt32> {
        guard let scalar = Unicode.Scalar(value) else { return [value] }
        var result: Set<UInt32> = [value]
        for group in irregular where group.contains(value) { result.formUnion(group) }
        let properties = scalar.properties
        for text in [properties.lowercaseMapping, properties.uppercaseMapping, properties.titlecaseMapping] {
            if text.unicodeScalars.count == 1, let single = text.unicodeScalars.first { result.insert(single.value) }
        }
        return result
    }

    /// The set without regard to case; nil if a range is too long to be followed scalar by scalar, or if it is
    /// a kind that some cases of a letter have and others have not.
    static func folded(_ set: ScalarSet) -> ScalarSet? {
        switch set {
        case .range(let range):
            guard range.count <= 512 else { return nil }
            let folded = range.reduce(into: Set<UInt32>()) { $0.formUnion(variants($1)) }
            return .any([set] + folded.filter { !range.contains($0) }.sorted().map(ScalarSet.scalar))
        case .kinds(let kinds): return folded(kinds)
        case .not(let set): return folded(set).map(ScalarSet.not)
        case .any(let sets): return folded(sets).map(ScalarSet.any)
        case .all(let sets): return folded(sets).map(ScalarSet.all)
        }
    }

    /// Letters keep their kind when they change their case, but for iota, which folds with a mark.
    private static func folded(_ kinds: KindSet) -> ScalarSet? {
        let cased = kinds.mask & KindSet.casedLetters.mask
        if cased != 0 && cased != KindSet.casedLetters.mask { return nil }
        let hasIota = kinds.mask & (KindSet.casedLetters.mask | KindSet.marks.mask) != 0
        return hasIota ? .any([.kinds(kinds)] + [0x345, 0x399, 0x3B9, 0x1FBE].map(ScalarSet.scalar)) : .kinds(kinds)
    }

    private static func folded(_ sets: [ScalarSet]) -> [ScalarSet]? {
        let result = sets.compactMap(folded)
        return result.count == sets.count ? result : nil
    }
}
