import Engine
import Foundation
import Models
import Screen
import Tensors
import Testing
import Workbench

/// Screen 5: every number on it against the run's own tensors, and where the first infinity came from.
@Suite struct NumericsTests {
    /// A kernel that is not the model's own is marked where it stands, and not the format; without its column, in that of the format.
    @Test func anotherKernelIsMarkedAsOne() throws {
        var harness = Harness.open(size: Size(160, 48))
        harness.command("goto model.layers.2.resid_mid")
        harness.screen(.numerics)
        harness.command("kernel double")
        let rich = try #require(harness.draw().rows.first { $0.contains("2 · resid_mid") && $0.contains("≠") })
        #expect(rich.contains("fp32      ≠double") && !rich.contains("≠fp32"), "\(rich)")
        harness.resize(Size(80, 24))
        #expect(harness.draw().rows.contains { $0.contains("resid_mid") && $0.contains("≠double") && !$0.contains("≠fp32") })
        harness.command("precision model.layers.2.resid_mid inputs bf16")
        #expect(harness.draw().rows.contains { $0.contains("resid_mid") && $0.contains("≠double") })
        harness.command("kernel own")
        #expect(harness.draw().rows.contains { $0.contains("resid_mid") && $0.contains("≠fp32") })
    }

    private static let product = "model.layers.2.mlp.down_proj"

    private static func open(size: Size = Size(160, 48)) -> Harness {
        var harness = Harness.open(prompt: "Tom and Mia", size: size)
        harness.screen(.numerics)
        return harness
    }

    private static func tensor(_ harness: Harness, _ name: String) throws -> Tensor {
        let stepper = try #require(harness.snapshot?.stepper)
        let id = try #require(stepper.program.id(of: name))
        return try #require(try stepper.tensor(id))
    }

    /// The line of the screen that begins with a value's name.
    private static func row(_ harness: Harness, _ name: String) throws -> String {
        let lines = harness.text.split(separator: "\n").map(String.init)
        return try #require(lines.dropFirst(2).first { $0.contains(Names.short(name) + " ") })
    }

    @Test(arguments: ["model.layers.2.mlp.down_proj", "model.layers.5.self_attn.q_proj", "model.layers.1", "logits"])
    func aRowSaysWhatTheNumbersSay(_ name: String) throws {
        var harness = Self.open()
        harness.command("goto \(name)")
        let numbers = try Self.tensor(harness, name).floats()
        let largest = try #require(numbers.map(\.magnitude).max())
        let row = try Self.row(harness, harness.selected)
        #expect(row.contains(" \(Numbers.compact(Double(largest))) "), "\(row)")
        #expect(row.contains(Numbers.fixed(128 - log2(Double(largest)), decimals: log2(largest) > 28.05 ? 1 : 0)), "\(row)")
        let rms = (numbers.reduce(0) { $0 + Double($1) * Double($1) } / Double(numbers.count)).squareRoot()
        #expect(row.contains(Numbers.compact(Double(Float(rms).ulp), digits: 2)), "\(row)")
    }

    @Test func growthIsFromLayerToLayer() throws {
        var harness = Self.open()
        func rms(_ layer: Int) throws -> Double {
            let numbers = try Self.tensor(harness, "model.layers.\(layer)").floats()
            return numbers.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        let growth = try rms(3) / rms(2)
        harness.command("goto model.layers.3")
        #expect(try Self.row(harness, harness.selected).contains(Numbers.compact(growth)))
    }

    @Test func anotherFormatIsMarkedAndCounted() throws {
        var harness = Self.open()
        harness.command("precision fp8e4m3 \(Self.product)")
        harness.command("goto \(Self.product)")
        let row = try Self.row(harness, Self.product)
        let numbers = try Self.tensor(harness, Self.product).floats()
        let small = numbers.count { $0 != 0 && abs($0) < 0x1p-6 }
        let zeros = numbers.count { $0 == 0 }
        #expect(row.contains("≠fp8e4m3"))
        #expect(small > 0 && row.contains(" \(NumericsWords.percent(Double(small) / Double(numbers.count))) "), "\(row)")
        #expect(zeros > 0 && row.contains(" \(NumericsWords.percent(Double(zeros) / Double(numbers.count))) "), "\(row)")
        #expect(harness.text.contains("fp8e4m3 \(small) subnormal"))
    }

    private static func errors(_ harness: Harness) throws -> [Int: Double] {
        let cursor = try #require(harness.snapshot?.stepper.cursor)
        guard case .numerics(.errors(let errors))? = harness.session.answers[.numerics(.errors(level: 0, cursor: cursor))] else {
            throw PromptError(rule: "no errors were measured")
        }
        return errors
    }

    /// Against the run by the formulas in double precision, which is another way to compute the same.
    @Test(arguments: ["", "precision bf16"]) func errorsAreAgainstDoublePrecision(_ line: String) throws {
        var harness = Self.open()
        harness.command("precision fp64")
        let exact = try Self.tensor(harness, Self.product).doubles()
        harness.command("precision own")
        harness.command(line)
        let own = try Self.tensor(harness, Self.product).doubles()
        let difference = zip(own, exact).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let expected = (difference / exact.reduce(0) { $0 + $1 * $1 }).squareRoot()
        let id = try #require(harness.snapshot?.stepper.program.id(of: Self.product))
        let found = try #require(try Self.errors(harness)[id])
        #expect(expected > 0 && abs(found / expected - 1) < 1e-3, "\(found) \(expected)")
        harness.command("goto \(Self.product)")
        #expect(try Self.row(harness, Self.product).contains(" \(Numbers.compact(found, digits: 2)) "))
    }

    /// The run in fp64 is kept while formats change, and made anew where anything else does.
    @Test func errorsAreOfTheRunThatIsShown() throws {
        var harness = Self.open()
        let plain = try Self.errors(harness)
        harness.command("precision bf16")
        let rounded = try Self.errors(harness)
        #expect(rounded != plain)
        harness.command("precision own")
        #expect(try Self.errors(harness) == plain)
        harness.command("scale model.layers.1 by 0.5")
        let edited = try Self.errors(harness)
        let id = try #require(harness.snapshot?.stepper.program.id(of: "model.layers.1"))
        #expect(edited != plain && (edited[id] ?? 1) < 1e-5)
        harness.command("undo")
        #expect(try Self.errors(harness) == plain)
        harness.command("quirk causal-off-by-one on")
        #expect(try Self.errors(harness) != plain && (Self.errors(harness)[id] ?? 1) < 1e-4)
    }

    /// A later token's pass reads caches: what was rounded in an earlier pass is an error of this one.
    @Test func errorsReachThroughTheCache() throws {
        var harness = Self.open()
        harness.command("precision fp8e4m3 model.layers.1.self_attn.k_rope")
        func cacheError() throws -> Double {
            let id = try #require(harness.snapshot?.stepper.program.id(of: "model.layers.1.self_attn.k_cache"))
            return try #require(try Self.errors(harness)[id])
        }
        let prompt = try cacheError()
        harness.keys(">")
        // The cache has one row more. Held against an fp64 run that takes over the rounded rows, the new one alone would be off.
        let next = try cacheError()
        #expect(prompt > 1e-3 && next > 0.8 * prompt, "\(prompt) \(next)")
    }

    /// The bits under the cursor are the processor's own.
    @Test func bitsAreTheProcessors() throws {
        var harness = Self.open()
        harness.command("goto \(Self.product)")
        harness.command("at [2, 5]")
        let x = try #require(try Self.tensor(harness, Self.product).value(at: [2, 5]))
        func digits(_ bits: UInt32, _ fields: [Int]) -> String {
            let width = fields.reduce(0, +)
            let text = String(repeating: "0", count: 32) + String(bits, radix: 2)
            var rest = Substring(text.suffix(width))
            return fields.map { count in
                defer { rest = rest.dropFirst(count) }
                return String(rest.prefix(count))
            }.joined(separator: " ")
        }
        let text = harness.text
        let half = Float16(x)
        #expect(text.contains(digits(Float(x).bitPattern, [1, 8, 23])))
        #expect(text.contains(digits(UInt32(half.bitPattern), [1, 5, 10])))
        for number in Double(half) < x ? [half, half.nextUp] : [half.nextDown, half] {
            #expect(text.contains(Numbers.compact(Double(number), digits: 5)), "\(number)")
        }
        #expect(text.contains("0x\(String(Float(x).bitPattern, radix: 16))"))
    }

    private static func overflowing(size: Size = Size(160, 48)) -> Harness {
        var harness = open(size: size)
        harness.command("scale model.layers.2.mlp.act_fn by 1e6")
        harness.command("precision fp16 \(Self.product)")
        return harness
    }

    @Test func theFirstInfinityIsExplained() throws {
        var harness = Self.overflowing()
        let stepper = try #require(harness.snapshot?.stepper)
        let id = try #require(stepper.program.id(of: Self.product))
        #expect(stepper.firstNonFinite == id)
        let found = try #require(try stepper.nonFinite(in: id))
        guard case .rounded(let exact, let format) = found.cause else {
            Issue.record("\(found.cause)")
            return
        }
        #expect(abs(exact) > 65504 && format == .fp16)
        let text = harness.text
        let wanted = "\(Numbers.compact(found.number)) = \(Numbers.compact(exact, digits: 4)) rounded to fp16, which ends at 65504"
        #expect(text.contains(wanted), "\(text)")
        #expect(text.contains("terms, the largest") && text.contains("of the \(found.later) values after it"))
        #expect(text.contains(found.number > 0 ? "▲" : "▼"))
        harness.keys("Tab Tab Tab Enter")
        #expect(harness.selected == Self.product && harness.session.cursorIndex == found.index)
        #expect(harness.session.selectedTensor?.value(at: found.index)?.isInfinite == true)
        harness.keys("Enter")
        #expect(harness.text.contains("act_fn") || harness.text.contains("up_proj") || harness.session.overlay != nil)
        harness.keys("Esc")
        harness.command("clear-edits")
        #expect(harness.text.contains("every number so far is finite"))
    }

    @Test(arguments: [Size(80, 24), Size(160, 48)]) func infinitiesLookAsTheyDid(_ size: Size) throws {
        try GoldenTests.compare(Self.overflowing(size: size).draw(), "numerics-infinity-\(size.width)x\(size.height).txt")
    }

    @Test func everyPaneIsATabAwayOnASmallScreen() {
        var harness = Self.open(size: Size(60, 16))
        var titles: [String] = []
        for _ in 0..<4 {
            titles.append(harness.text.split(separator: "\n").dropFirst().first.map(String.init) ?? "")
            harness.keys("Tab")
        }
        let wanted = ["Values", "[", "Exponents", "First NaN"]
        for (title, word) in zip(titles, wanted) { #expect(title.contains(word), "\(title)") }
    }

    /// With the reverse walk behind the pass its gradients are values like others.
    @Test func gradientsHaveRows() throws {
        var harness = Self.open()
        harness.command("backward end")
        harness.command("goto grad:model.layers.3.self_attn.q_proj.weight")
        let largest = try #require(try Self.tensor(harness, harness.selected).floats().map(\.magnitude).max())
        let row = try #require(harness.text.split(separator: "\n").dropFirst(2).first { $0.contains("grad:3 · self_attn · q_proj · w") })
        #expect(row.contains(Numbers.compact(Double(largest))))
    }

    @Test func lookingChangesNoBit() {
        let plain = CommandScript.hashes(Harness.open(prompt: "Tom and Mia").session)
        var harness = Self.open()
        harness.keys("j j Tab j l Tab Tab Enter g g G [ ]")
        for size in [Size(60, 16), Size(80, 24)] {
            harness.resize(size)
            _ = harness.draw()
        }
        #expect(CommandScript.hashes(harness.session) == plain)
    }
}
