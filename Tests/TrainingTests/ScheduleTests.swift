import Foundation
import Testing

@testable import Training

/// The rate in closed form at the places where it is easily told.
struct ScheduleTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let kind: TrainingSettings.ScheduleKind
        let step: Int
        let rate: Double
        var testDescription: String { "\(kind) at \(step)" }
    }

    /// 100 steps, 20 of them warm-up, from 1 to 0.1; wsd falls in the last quarter of the 80.
    static let cases: [Case] =
        TrainingSettings.ScheduleKind.allCases.flatMap {
            [Case(kind: $0, step: 0, rate: 0), Case(kind: $0, step: 10, rate: 0.5), Case(kind: $0, step: 20, rate: 1)]
        }
        + [
            Case(kind: .constant, step: 60, rate: 1), Case(kind: .constant, step: 100, rate: 1),
            Case(kind: .linear, step: 60, rate: 0.55), Case(kind: .linear, step: 100, rate: 0.1),
            Case(kind: .cosine, step: 60, rate: 0.55), Case(kind: .cosine, step: 100, rate: 0.1),
            Case(kind: .cosine, step: 40, rate: 0.1 + 0.9 * 0.5 * (1 + 0.5.squareRoot())),
            Case(kind: .wsd, step: 60, rate: 1), Case(kind: .wsd, step: 80, rate: 1), Case(kind: .wsd, step: 90, rate: 0.55),
            Case(kind: .wsd, step: 100, rate: 0.1),
        ]

    @Test(arguments: cases) func closedForms(_ test: Case) {
        let schedule = Schedule(test.kind, rate: 1, warmup: 20, steps: 100, minRatio: 0.1, decayShare: 0.25)
        #expect(abs(schedule.rate(at: test.step) - test.rate) < 1e-12)
    }

    /// The area under a line and under half a cosine is the same: half of the highest rate.
    @Test(arguments: [TrainingSettings.ScheduleKind.linear, .cosine]) func integralIsHalf(_ kind: TrainingSettings.ScheduleKind) {
        let schedule = Schedule(kind, rate: 2, steps: 10_000)
        let mean = (0..<10_000).reduce(0) { $0 + schedule.rate(at: $1) } / 10_000
        #expect(abs(mean - 1) < 1e-3)
    }
}
