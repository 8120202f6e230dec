import Engine

/// Answers by question, for one run. Bounded: the oldest go first.
package struct Answers: Sendable {
    private var known: [Request: Answer] = [:]
    private var order: [Request] = []
    private var asked: Set<Request> = []
    private(set) package var run = -1
    private static let limit = 512

    package init() {}

    package subscript(_ request: Request) -> Answer? { known[request] }

    /// Questions that are neither answered nor on their way; they count as asked now.
    mutating func unasked(_ requests: [Request]) -> [Request] {
        requests.filter { known[$0] == nil && asked.insert($0).inserted }
    }

    mutating func store(_ request: Request, _ answer: Answer, run: Int) {
        guard run == self.run else { return }
        asked.remove(request)
        if known.updateValue(answer, forKey: request) == nil { order.append(request) }
        if order.count > Answers.limit { known[order.removeFirst()] = nil }
    }

    /// A new run: nothing that was known holds any more.
    mutating func begin(run: Int) {
        guard run != self.run else { return }
        self = Answers()
        self.run = run
    }

    /// The run went on: what had not been computed may be now.
    mutating func forgetFailures() {
        for (request, answer) in known { if case .failed = answer { known[request] = nil } }
        order.removeAll { known[$0] == nil }
    }

    /// A step back and forward gives the same bits, but what an answer says of later values may have changed.
    mutating func forgetUses() {
        for request in known.keys { if case .lineage = request { known[request] = nil } }
        order.removeAll { known[$0] == nil }
    }
}
