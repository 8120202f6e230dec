import Engine
import Foundation
import Screen
import Testing
import Workbench

/// Random keys, lines and resizes: nothing traps, and the screen has always its size.
@Suite struct FuzzTests {
    /// Keys a seed; MICA_FUZZ asks for more.
    private static let count = ProcessInfo.processInfo.environment["MICA_FUZZ"].flatMap(Int.init) ?? standardCount
    #if DEBUG
        private static let standardCount = 700
    #else
        private static let standardCount = 5000
    #endif

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func randomKeysNeverTrap(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        var harness = Harness.open(seed % 2 == 0 ? .gpt2 : .llama, prompt: "Tom and Mia", size: Size(80, 24))
        for number in 0..<Self.count {
            step(&harness, &random)
            guard number % 4 == 0 else { continue }
            let surface = harness.draw()
            #expect(surface.size == harness.session.size)
        }
        harness.keys("Esc Esc")
        harness.resize(Size(80, 24))
        #expect(harness.draw().size == Size(80, 24))
    }

    private func step(_ harness: inout Harness, _ random: inout SplitMix) {
        switch random.below(40) {
        case 0: harness.resize(Size(random.below(220) + 1, random.below(70) + 1))
        case 1: harness.command(line(&random))
        case 2: harness.input(.paste("\u{1B}[31m:quit\n" + line(&random)))
        case 3: harness.input(.mouse(MouseEvent(.press(.left), at: Point(random.below(200) - 5, random.below(60) - 5))))
        case 4:
            harness.input(.mouse(MouseEvent(random.below(2) == 0 ? .wheelUp : .wheelDown, at: Point(random.below(160), random.below(48)))))
        case 5: harness.workbench.send(.pause)
        case 6: harness.press(Key(.function(random.below(24) + 1)))
        case 7..<14: harness.press(Key(Unicode.Scalar(UInt8(random.below(95) + 32))))
        default:
            let bindings = KeyMap.all.filter { $0.page == nil || $0.page == harness.session.page }
            for key in bindings[random.below(bindings.count)].sequence { harness.press(key) }
        }
    }

    /// A command with words that may or may not suit it.
    private func line(_ random: inout SplitMix) -> String {
        let words = [
            "", "-1", "+3", "7", "999999999999", "[1,2]", "model.norm", "next", "log", "nan", "> 1e9", "\"", "é\u{301}\u{202E}", "lock",
            "a",
        ]
        let command = Command.all[random.below(Command.all.count)].name
        return "\(command) \(words[random.below(words.count)]) \(words[random.below(words.count)])"
    }
}

/// Steele et al. 2014.
struct SplitMix {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(max(limit, 1)))
    }
}
