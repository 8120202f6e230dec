/// Finds all matches of a pattern in texts; holds what it has learned of the automaton from one text to the next.
struct PatternMatcher {
    private let pattern: CompiledPattern
    /// The sets of instructions met so far; a position of the text holds the number of its set.
    private var sets: [InstructionSet] = []
    private var numbers: [InstructionSet: Int32] = [:]
    /// The number of the set that follows from (set, next class, previous class), at `set * rowWidth + …`; -1: not known yet.
    private var transitions: [Int32] = []
    private let classCount: Int
    private let rowWidth: Int
    private static let transitionLimit = 1 << 21
    private static let learningLimit = 1 << 14
    private var states: [Int32] = []
    /// What `resolve` gave for (set, instruction).
    private var resolved: [UInt64: Int] = [:]
    private static let resolvedLimit = 1 << 16

    init(_ pattern: CompiledPattern) {
        self.pattern = pattern
        classCount = pattern.classes.memberships.count
        rowWidth = classCount * (pattern.looksBack ? classCount + 1 : 1)
    }

    /// The stretches of `text[start..<end]`, matched and not, in order. An empty match right after a match does not count, as in
    /// Oniguruma's search.
    mutating func stretches(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> [SplitBehavior.Stretch] {
        if start == end { return [SplitBehavior.Stretch(start: start, end: end, isMatch: false)] }
        sweepBack(text, start, end)
        var result: [SplitBehavior.Stretch] = []
        var covered = start
        var lastMatchEnd = -1
        var at = start
        while at <= end {
            guard let matchEnd = matchEnd(text, at, start, end), matchEnd > at || at != lastMatchEnd else {
                if at == end { break }
                at += UTF8Text.scalar(text, at, end).length
                continue
            }
            if at > covered { result.append(SplitBehavior.Stretch(start: covered, end: at, isMatch: false)) }
            result.append(SplitBehavior.Stretch(start: at, end: matchEnd, isMatch: true))
            covered = matchEnd
            lastMatchEnd = matchEnd
            at = matchEnd
        }
        if covered < end { result.append(SplitBehavior.Stretch(start: covered, end: end, isMatch: false)) }
        return result
    }

    /// Numbers the set of every position, last to first; positions inside a scalar have none.
    private mutating func sweepBack(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        states.removeAll(keepingCapacity: true)
        states.append(contentsOf: repeatElement(-1, count: end - start + 1))
        var at = end
        var (previous, length) = classBefore(text, at, start)
        var state = number(pattern.step(InstructionSet(pattern.program.instructions.count), previous: previous, next: nil))
        states[at - start] = state
        while at > start {
            at -= length
            let next = previous ?? 0
            (previous, length) = classBefore(text, at, start)
            state = stateBefore(state, previous: previous, next: next)
            states[at - start] = state
        }
    }

    @inline(__always)
    private func classBefore(_ text: Span<UInt8>, _ at: Int, _ start: Int) -> (Int?, Int) {
        if at == start { return (nil, 0) }
        let (value, length) = UTF8Text.scalarBefore(text, at, start)
        return (pattern.classes.number(of: value), length)
    }

    @inline(__always)
    private mutating func stateBefore(_ state: Int32, previous: Int?, next: Int) -> Int32 {
        let place = Int(state) * rowWidth + (pattern.looksBack ? ((previous ?? -1) + 1) * classCount : 0) + next
        if place < transitions.count, transitions[place] >= 0 { return transitions[place] }
        let result = number(pattern.step(sets[Int(state)], previous: previous, next: next))
        if place < transitions.count { transitions[place] = result }
        return result
    }

    private mutating func number(_ set: InstructionSet) -> Int32 {
        // A pattern that makes ever new sets gains nothing from looking for old ones.
        let isLearning = sets.count < Self.learningLimit
        if isLearning, let known = numbers[set] { return known }
        let number = Int32(clamping: sets.count)
        sets.append(set)
        if isLearning { numbers[set] = number }
        if sets.count * rowWidth <= Self.transitionLimit {
            transitions.append(contentsOf: repeatElement(-1, count: rowWidth))
        }
        return number
    }

    /// The end of the match that begins at `at`, if one does.
    private mutating func matchEnd(_ text: Span<UInt8>, _ at: Int, _ start: Int, _ end: Int) -> Int? {
        guard sets[Int(states[at - start])].contains(0) else { return nil }
        var at = at
        var instruction = 0
        while true {
            instruction = resolve(instruction, states[at - start])
            guard case .read = pattern.program.instructions[instruction], at < end else { return at }
            at += UTF8Text.scalar(text, at, end).length
            instruction += 1
        }
    }

    @inline(__always)
    private mutating func resolve(_ instruction: Int, _ state: Int32) -> Int {
        if case .read = pattern.program.instructions[instruction] { return instruction }
        let key = UInt64(UInt32(bitPattern: state)) << 32 | UInt64(instruction)
        if let known = resolved[key] { return known }
        let result = pattern.resolve(instruction, sets[Int(state)])
        if resolved.count < Self.resolvedLimit { resolved[key] = result }
        return result
    }
}
