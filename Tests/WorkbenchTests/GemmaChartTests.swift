import Engine
import Foundation
import Screen
import Testing

@testable import Workbench

/// The chart of Gemma's fixes, as the script in Samples plays it.
@Suite struct GemmaChartTests {
    private static let path = Harness.root + "/Samples/Scripts/gemma-chart.mica"

    /// The session at each `# screen NAME` of the script.
    private static func screens(_ size: Size) throws -> [(name: String, harness: Harness)] {
        var harness = Harness(size: size)
        var screens: [(String, Harness)] = []
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init) {
            if line.hasPrefix("# screen ") { screens.append((String(line.dropFirst(9)), harness)) }
            guard !line.hasPrefix("#"), !line.hasPrefix("expect") else { continue }
            harness.command(line.replacing("open ../", with: "open \(Harness.root)/Samples/"))
            try #require(harness.session.message?.kind != .error, "\(line): \(harness.session.message?.text ?? "")")
        }
        return screens
    }

    /// log₁₀ ‖A − B‖ of every layer's output, run by run; −12 where every bit is the same.
    private static func errors(_ harness: Harness) -> [[Double]] {
        harness.session.compared.lines.map { line in
            line.comparison.stream.dropFirst().map { line.comparison.rows[$0].logNorm ?? -12 }
        }
    }

    /// In fp32 the fixes of the norms and of √d lower the error of every layer, no fix raises it by more than a twentieth of a decade, and with
    /// all of them nothing differs.
    @Test func inSinglePrecisionEachFixLowersTheError() throws {
        for (name, harness) in try Self.screens(Size(80, 24)) where name.contains("fp32") {
            let runs = Self.errors(harness)
            #expect(runs.count == 6 && runs.allSatisfy { $0.count == 6 })
            for layer in 0..<6 {
                let column = runs.map { $0[layer] }
                // The fix of GELU is so small that at one layer the others' rounding hides it.
                for (before, after) in zip(column, column.dropFirst()) {
                    #expect(after <= before + 0.05, "\(name) layer \(layer): \(column)")
                }
                #expect(column[2] - column[3] > 0.9 && column[3] - column[4] > 0.5, "\(name) layer \(layer): \(column)")
                #expect(column[5] == -12, "\(name) layer \(layer): \(column)")
            }
            #expect(harness.session.compared.lines.last?.comparison.isIdentical == true)
        }
    }

    /// Where positions are large the fix of RoPE is the largest, by more than one and a half decades at every layer.
    @Test func farIntoATextRopeIsTheLargestFix() throws {
        let (_, harness) = try #require(try Self.screens(Size(80, 24)).first { $0.name == "gemma-chart-fp32-8144" })
        let runs = Self.errors(harness)
        for layer in 0..<6 {
            let drops = zip(runs, runs.dropFirst()).dropLast(2).map { $0[layer] - $1[layer] }
            #expect(drops[0] > 1.5 && drops[0] == drops.max(), "layer \(layer): \(drops)")
        }
    }

    /// In bf16 all lines behind the fix of RoPE lie together.
    @Test func inBF16TheLinesMerge() throws {
        let (_, harness) = try #require(try Self.screens(Size(80, 24)).first { $0.name == "gemma-chart-bf16-8144" })
        let runs = Self.errors(harness)
        for layer in 0..<6 {
            let column = runs.dropFirst().map { $0[layer] }
            #expect((column.max() ?? 0) - (column.min() ?? 0) <= 0.15, "layer \(layer): \(column)")
        }
    }

    @Test(arguments: [Size(80, 24), Size(160, 48)]) func theChartLooksAsItDid(_ size: Size) throws {
        for (name, harness) in try Self.screens(size) {
            try ScreenGolden.compare(harness.draw(), "\(name)-\(size.width)x\(size.height)")
        }
    }
}
