/// A pattern as a list of instructions. Instructions that read a character continue with the next instruction.
struct PatternProgram: Sendable {
    enum Instruction: Sendable {
        /// Reads a character of set number `set`.
        case read(set: Int)
        /// Goes on at `first` if that leads to a match, else at `second`.
        case split(first: Int, second: Int)
        case jump(Int)
        case boundary(PatternBoundary)
        /// Goes on if the region matches here (or, negated, does not).
        case look(region: Int, negated: Bool)
        case match
    }

    /// The work per character of text grows with the instructions.
    static let maximumInstructions = 500
    /// Parts of character classes.
    private static let maximumSetSize = 1024

    private(set) var instructions: [Instruction] = []
    /// Region 0 is the pattern itself, the others are what lookaheads look for; a region looks only at later ones.
    private(set) var regions: [Range<Int>] = []
    private(set) var sets: [ScalarSet] = []
    private var pending: [PatternNode] = []

    init(_ pattern: String) throws(PatternError) {
        try self.init(PatternParser.parse(pattern))
    }

    init(_ node: PatternNode) throws(PatternError) {
        pending = [node]
        while regions.count < pending.count {
            let start = instructions.count
            try emit(pending[regions.count])
            try add(.match)
            regions.append(start..<instructions.count)
        }
        pending = []
        if sets.reduce(0, { $0 + $1.size }) > Self.maximumSetSize {
            throw PatternError(rule: "pattern too large: classes of more than \(Self.maximumSetSize) parts")
        }
    }

    /// Whether an instruction goes on without reading a character.
    func isPassage(_ index: Int) -> Bool {
        switch instructions[index] {
        case .read, .match: false
        case .split, .jump, .boundary, .look: true
        }
    }

    private mutating func add(_ instruction: Instruction) throws(PatternError) {
        if instructions.count >= Self.maximumInstructions {
            throw PatternError(rule: "pattern too large: more than \(Self.maximumInstructions) steps")
        }
        instructions.append(instruction)
    }

    private mutating func emit(_ node: PatternNode) throws(PatternError) {
        switch node {
        case .set(let set):
            sets.append(set)
            try add(.read(set: sets.count - 1))
        case .sequence(let nodes):
            for node in nodes { try emit(node) }
        case .choice(let nodes): try emitChoice(nodes)
        case .repeated(let node, let least, let most, let greedy): try emitRepeated(node, least, most, greedy)
        case .lookahead(let node, let negated):
            pending.append(node)
            try add(.look(region: pending.count - 1, negated: negated))
        case .boundary(let boundary): try add(.boundary(boundary))
        }
    }

    private mutating func emitChoice(_ nodes: [PatternNode]) throws(PatternError) {
        var exits: [Int] = []
        for (index, node) in nodes.enumerated() {
            if index == nodes.count - 1 {
                try emit(node)
                break
            }
            let split = instructions.count
            try add(.split(first: split + 1, second: split + 1))
            try emit(node)
            exits.append(instructions.count)
            try add(.jump(0))
            instructions[split] = .split(first: split + 1, second: instructions.count)
        }
        for exit in exits { instructions[exit] = .jump(instructions.count) }
    }

    private mutating func emitRepeated(_ node: PatternNode, _ least: Int, _ most: Int?, _ greedy: Bool) throws(PatternError) {
        for _ in 0..<least { try emitCounted(node) }
        guard let most else { return try emitLoop(node, greedy) }
        var splits: [Int] = []
        for _ in least..<max(least, most) {
            splits.append(instructions.count)
            try add(.jump(0))
            try emitCounted(node)
        }
        for split in splits { instructions[split] = choose(split + 1, instructions.count, greedy) }
    }

    /// Something repeated without end: an empty body would otherwise be emitted for ever without adding an instruction.
    private mutating func emitCounted(_ node: PatternNode) throws(PatternError) {
        let start = instructions.count
        try emit(node)
        if instructions.count == start { try add(.jump(start + 1)) }
    }

    private mutating func emitLoop(_ node: PatternNode, _ greedy: Bool) throws(PatternError) {
        let split = instructions.count
        try add(.jump(0))
        try emit(node)
        try add(.jump(split))
        instructions[split] = choose(split + 1, instructions.count, greedy)
    }

    private func choose(_ inside: Int, _ outside: Int, _ greedy: Bool) -> Instruction {
        greedy ? .split(first: inside, second: outside) : .split(first: outside, second: inside)
    }
}
