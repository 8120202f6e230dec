/// The scalars sorted into classes that no set of a pattern tells apart, so that matching works with class numbers.
struct ScalarClasses: Sendable {
    /// The first scalars of the stretches between the ends of all ranges, ascending; a stretch has one class a kind.
    private let stretches: [UInt32]
    /// Class of (stretch, kind) at `stretch * ScalarKind.count + kind`.
    private let classes: [UInt16]
    /// Class of each ASCII character.
    private let ascii: [UInt16]
    /// For each class, which of the sets it is in.
    let memberships: [[Bool]]

    init(_ sets: [ScalarSet]) {
        var starts: Set<UInt32> = [0]
        for range in sets.flatMap(\.ranges) { starts.formUnion([range.lowerBound, range.upperBound + 1]) }
        stretches = starts.sorted()
        var numbers: [[Bool]: UInt16] = [:]
        var memberships: [[Bool]] = []
        var classes: [UInt16] = []
        for stretch in stretches {
            for kind in UInt8(0)..<UInt8(ScalarKind.count) {
                let membership = sets.map { $0.contains(stretch, ScalarKind(index: kind)) }
                let number = numbers[membership] ?? UInt16(truncatingIfNeeded: memberships.count)
                if Int(number) == memberships.count { memberships.append(membership) }
                numbers[membership] = number
                classes.append(number)
            }
        }
        self.memberships = memberships
        self.classes = classes
        ascii = (UInt32(0)..<128).map { [stretches] in
            classes[Self.stretch(of: $0, stretches) * ScalarKind.count + Int(ScalarKind.of($0).index)]
        }
    }

    @inline(__always)
    func number(of value: UInt32) -> Int {
        if value < 128 { return Int(ascii[Int(value)]) }
        return Int(classes[Self.stretch(of: value, stretches) * ScalarKind.count + Int(ScalarKind.of(value).index)])
    }

    /// The last stretch that begins at or before `value`.
    private static func stretch(of value: UInt32, _ stretches: [UInt32]) -> Int {
        var low = 0
        var high = stretches.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if stretches[middle] <= value { low = middle } else { high = middle }
        }
        return low
    }
}
