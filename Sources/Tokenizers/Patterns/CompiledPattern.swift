/// A pattern ready to match: program, classes, and the bit masks of the steps.
///
/// Matching goes over the text twice. Backwards, it computes for every position the set of instructions from which a match can be
/// completed there; a lookahead is then a question to that set. Forwards, it follows the first alternative that is in the set, so
/// it never takes anything back. Both are linear in the text whatever the pattern, and so are all matches of a text together
/// (Frisch and Cardelli, Greedy Regular Expression Matching, ICALP 2004). The sets are few and are remembered: a lazy automaton.
struct CompiledPattern: Sendable {
    let program: PatternProgram
    let classes: ScalarClasses
    /// For each class, the instructions that read a character of it.
    let readers: [InstructionSet]
    /// For each class, whether it is the line feed, and whether its characters belong to words; only where boundaries ask.
    let isNewline: [Bool]
    let isWord: [Bool]
    /// Whether what holds at a position depends on the character before it.
    let looksBack: Bool
    /// The ends of the regions, from which nothing is left to match.
    private let matches: InstructionSet
    /// For each region, last to first, its instructions that read nothing and do not match, last to first.
    private let passages: [[Int]]

    init(_ pattern: String) throws(PatternError) { try self.init(PatternProgram(pattern)) }

    init(_ program: PatternProgram) {
        self.program = program
        let boundaries = program.instructions.compactMap { if case .boundary(let boundary) = $0 { boundary } else { nil } }
        let asked: [ScalarSet] = boundaries.isEmpty ? [] : [.newline, .kinds(.word)]
        classes = ScalarClasses(program.sets + asked)
        looksBack = boundaries.contains(where: \.looksBack)
        passages = program.regions.reversed().map { $0.reversed().filter(program.isPassage) }
        var matches = InstructionSet(program.instructions.count)
        for region in program.regions { matches.insert(region.upperBound - 1) }
        self.matches = matches
        let count = program.sets.count
        isNewline = classes.memberships.map { !asked.isEmpty && $0[count] }
        isWord = classes.memberships.map { !asked.isEmpty && $0[count + 1] }
        readers = classes.memberships.map { membership in
            var set = InstructionSet(program.instructions.count)
            for (index, instruction) in program.instructions.enumerated() {
                if case .read(let number) = instruction, membership[number] { set.insert(index) }
            }
            return set
        }
    }

    /// The instructions from which a match can be completed at a position before a character of class `next` (nil: at the end),
    /// where `after` is the set of the following position and `previous` the class before (nil: at the start).
    func step(_ after: InstructionSet, previous: Int?, next: Int?) -> InstructionSet {
        var set = matches
        if let next { set.formUnion(after, shiftedDownWithin: readers[next]) }
        for region in passages { complete(&set, region, previous, next) }
        return set
    }

    /// Adds to the set what leads into it without reading, until nothing more is found.
    private func complete(_ set: inout InstructionSet, _ passages: [Int], _ previous: Int?, _ next: Int?) {
        var changed = true
        while changed {
            changed = false
            for index in passages where !set.contains(index) && leads(index, set, previous, next) {
                set.insert(index)
                changed = true
            }
        }
    }

    private func leads(_ index: Int, _ set: InstructionSet, _ previous: Int?, _ next: Int?) -> Bool {
        switch program.instructions[index] {
        case .read, .match: false
        case .split(let first, let second): set.contains(first) || set.contains(second)
        case .jump(let target): set.contains(target)
        case .boundary(let boundary): set.contains(index + 1) && holds(boundary, previous, next)
        case .look(let region, let negated):
            set.contains(index + 1) && set.contains(program.regions[region].lowerBound) != negated
        }
    }

    private func holds(_ boundary: PatternBoundary, _ previous: Int?, _ next: Int?) -> Bool {
        switch boundary {
        case .textStart: previous == nil
        case .textEnd: next == nil
        case .lineStart: previous.map { isNewline[$0] && next != nil } ?? true
        case .lineEnd: next.map { isNewline[$0] } ?? true
        case .word: (previous.map { isWord[$0] } ?? false) != (next.map { isWord[$0] } ?? false)
        case .notWord: (previous.map { isWord[$0] } ?? false) == (next.map { isWord[$0] } ?? false)
        }
    }

    /// The instruction that reads next (or matches) when instruction `start`, which is in `set`, is reached: the first of the
    /// alternatives that are in the set. An empty round of a loop is not gone twice.
    func resolve(_ start: Int, _ set: InstructionSet) -> Int {
        var visited = InstructionSet(program.instructions.count)
        var waiting = [start]
        while let index = waiting.popLast() {
            if !set.contains(index) || visited.contains(index) { continue }
            visited.insert(index)
            switch program.instructions[index] {
            case .read, .match: return index
            case .split(let first, let second): waiting += [second, first]
            case .jump(let target): waiting.append(target)
            case .boundary, .look: waiting.append(index + 1)
            }
        }
        return start
    }
}

/// A set of instruction numbers, a bit each.
struct InstructionSet: Hashable, Sendable {
    private var words: [UInt64]

    init(_ count: Int) { words = Array(repeating: 0, count: count / 64 + 1) }

    func contains(_ index: Int) -> Bool { words[index >> 6] >> UInt64(index & 63) & 1 != 0 }
    mutating func insert(_ index: Int) { words[index >> 6] |= 1 << UInt64(index & 63) }

    /// Adds every number of `mask` whose follower is in `other`.
    mutating func formUnion(_ other: InstructionSet, shiftedDownWithin mask: InstructionSet) {
        for index in words.indices {
            let carry = index + 1 < words.count ? other.words[index + 1] << 63 : 0
            words[index] |= (other.words[index] >> 1 | carry) & mask.words[index]
        }
    }
}
