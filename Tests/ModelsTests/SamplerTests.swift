import Foundation
import Models
import Testing

struct SamplerTests {
    /// log p of four tokens; softmax gives the probabilities back.
    static let probabilities = [0.5, 0.3, 0.15, 0.05]
    static let logits = probabilities.map { Float(log($0)) }

    struct Case: Sendable, CustomTestStringConvertible {
        let temperature: Double
        let topK: Int
        let topP: Double
        let expected: [Double]
        var testDescription: String { "T \(temperature), top-k \(topK), top-p \(topP)" }

        init(_ temperature: Double, _ topK: Int, _ topP: Double, _ weights: [Double]) {
            (self.temperature, self.topK, self.topP) = (temperature, topK, topP)
            let sum = weights.reduce(0, +)
            expected = weights.map { $0 / sum }
        }

        /// Closed forms: p^(1/T), cut and normalised.
        static let all = [
            Case(1, 0, 1, [0.5, 0.3, 0.15, 0.05]), Case(2, 0, 1, SamplerTests.probabilities.map { $0.squareRoot() }),
            Case(0.5, 0, 1, SamplerTests.probabilities.map { $0 * $0 }), Case(1, 2, 1, [0.5, 0.3, 0, 0]),
            Case(1, 4, 1, [0.5, 0.3, 0.15, 0.05]),
            Case(1, 99, 1, [0.5, 0.3, 0.15, 0.05]), Case(1, 1, 1, [1, 0, 0, 0]), Case(0, 0, 1, [1, 0, 0, 0]),
            // The token that reaches the mass is in.
            Case(1, 0, 0.49, [1, 0, 0, 0]), Case(1, 0, 0.6, [0.5, 0.3, 0, 0]), Case(1, 0, 0.9, [0.5, 0.3, 0.15, 0]),
            Case(1, 0, 0.97, [0.5, 0.3, 0.15, 0.05]),
            // First k, then p of what is left: 0.5 of 0.8 is more than 0.6.
            Case(1, 2, 0.6, [1, 0, 0, 0]), Case(2, 3, 0.5, [(0.5).squareRoot(), (0.3).squareRoot(), 0, 0]),
        ]
    }

    @Test(arguments: Case.all) func frequenciesAreThoseOfTheClosedForm(_ test: Case) throws {
        var sampler = Sampler(temperature: test.temperature, topK: test.topK, topP: test.topP, seed: 7)
        let draws = 20_000
        var counts = [0, 0, 0, 0]
        for _ in 0..<draws { counts[try sampler.choose(SamplerTests.logits)] += 1 }
        for (count, p) in zip(counts, test.expected) {
            // Five standard deviations; where p is 0 or 1, exactly.
            let deviation = (p * (1 - p) / Double(draws)).squareRoot()
            #expect(abs(Double(count) / Double(draws) - p) <= 5 * deviation)
        }
    }

    @Test func seedsDecide() throws {
        func sequence(_ seed: UInt64) throws -> [Int] {
            var sampler = Sampler(temperature: 1, seed: seed)
            return try (0..<40).map { _ in try sampler.choose(SamplerTests.logits) }
        }
        #expect(try sequence(1) == sequence(1))
        #expect(try sequence(1) != sequence(2))
    }

    @Test func tiesGoToTheLowestID() throws {
        var greedy = Sampler.greedy
        #expect(try greedy.choose([1, 3, 3, 2]) == 1)
        #expect(try greedy.choose([-.infinity, -5, -5]) == 1)
        var two = Sampler(temperature: 1, topK: 2, seed: 1)
        for _ in 0..<100 { #expect(try two.choose([3, 3, 3, 3]) < 2) }
    }

    @Test(arguments: [0.0, 1.0]) func brokenLogitsAreReported(_ temperature: Double) {
        var sampler = Sampler(temperature: temperature)
        #expect(throws: SamplingError.self) { try sampler.choose([1, .nan, 2]) }
        #expect(throws: SamplingError.self) { try sampler.choose([1, .infinity, 2]) }
        #expect(throws: SamplingError.self) { try sampler.choose([-.infinity, -.infinity]) }
        #expect(throws: SamplingError.self) { try sampler.choose([]) }
    }

    /// Logits of any size: the weights are taken relative to the largest.
    @Test func largeLogitsDoNotOverflow() throws {
        var sampler = Sampler(temperature: 0.01, seed: 3)
        for _ in 0..<50 { #expect(try sampler.choose([3e38, -3e38, 1]) == 0) }
    }
}
