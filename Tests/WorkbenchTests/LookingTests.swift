import Engine
import Screen
import Testing
import Workbench

/// Looking changes no bit: values are the same whether the run was free, or walked with every screen watching.
@Suite struct LookingTests {
    @Test(arguments: Harness.Sample.allCases, [1, 2])
    func aWatchedWalkHasTheBitsOfAFreeRun(_ sample: Harness.Sample, _ threads: Int) {
        let free = CommandScript.hashes(Harness.open(sample, prompt: Self.prompt, threads: 1).session)
        #expect(free.count > 50)
        var walked = Harness.open(sample, prompt: Self.prompt, threads: threads, runs: false)
        let pages = PageCatalogue.all.map { $0.id }
        var round = 0
        while walked.snapshot?.stepper.isFinished == false {
            walked.screen(pages[round % pages.count])
            walked.resize(round % 2 == 0 ? Size(80, 24) : Size(160, 48))
            walked.keys("s")
            _ = walked.draw()
            if round % 7 == 3 { walked.keys("S") }
            if round % 11 == 5 { walked.keys("x s s X") }
            round += 1
        }
        #expect(CommandScript.hashes(walked.session) == free)
    }

    @Test func aReplayHasTheSameBits() {
        var harness = Harness.open(prompt: Self.prompt)
        let first = CommandScript.hashes(harness.session)
        harness.command("restart")
        #expect(CommandScript.hashes(harness.session).isEmpty)
        harness.keys("Space")
        #expect(CommandScript.hashes(harness.session) == first)
    }

    private static let prompt = "Tom and Mia"
}
