import Screen
import Testing
import Workbench

@Suite struct HarnessTests {
    @Test(arguments: Harness.Sample.allCases)
    func opensAndRuns(_ sample: Harness.Sample) {
        let harness = Harness.open(sample)
        #expect(harness.snapshot?.stepper.isFinished == true)
        #expect(harness.session.message == nil)
        #expect(harness.text.contains("Explore"))
    }

    @Test func stepsOneOpAtATime() {
        var harness = Harness.open(runs: false)
        #expect(harness.snapshot?.stepper.cursor == 0)
        harness.keys("s s s")
        #expect(harness.snapshot?.stepper.cursor == 3)
        harness.command("step 4")
        #expect(harness.snapshot?.stepper.cursor == 7)
    }

    @Test func leavesARunUnfinished() {
        var harness = Harness.open(runs: false)
        harness.command("run", ops: 5)
        #expect(harness.snapshot?.isRunning == true)
        #expect(harness.snapshot?.stepper.cursor == 5)
    }
}
