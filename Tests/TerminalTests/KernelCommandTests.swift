import Engine
import Foundation
import Testing

/// Kernels from the shell.
struct KernelCommandTests {
    @Test func kernelsAreListed() throws {
        let all = try CommandLineTests.mica("kernels")
        #expect(all.code == 0 && all.errors.isEmpty && !all.hasControls)
        for type in OpCatalogue.all {
            for kernel in OpCatalogue.kernels(of: type) { #expect(all.output.contains("  \(kernel.name)"), "\(type) \(kernel.name)") }
        }
        let own = try CommandLineTests.mica("kernels", CommandLineTests.llama, "--json").output
        let list = try #require(try JSONSerialization.jsonObject(with: Data(own.utf8)) as? [[String: Any]])
        let names = Dictionary(
            uniqueKeysWithValues: list.map {
                ($0["op"] as? String ?? "", ($0["kernels"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String })
            })
        #expect(names["softmax"]?.contains("online") == true && names["attention-context"]?.contains("flash") == true)
        #expect(names["RMSNorm"]?.contains("fused-add") == true && names["LayerNorm"] == nil)
        #expect(names.values.allSatisfy { $0.last == "reference" && $0.count >= 3 })
    }

    @Test(arguments: ["trace", "generate", "stats", "bench"]) func commandsThatRunAModelTakeThem(_ command: String) throws {
        #expect(try CommandLineTests.mica(command, "--help").output.contains("--kernel <name pattern>"))
    }

    @Test func theRunIsAnother() throws {
        let arguments = ["stats", CommandLineTests.llama, "--prompt", "Tom and Mia", "--names", "logits", "--tsv"]
        let own = try CommandLineTests.run(arguments)
        #expect(try CommandLineTests.run(arguments + ["--kernel", "flash context"]).output != own.output)
        // The same bits, by other ways.
        #expect(try CommandLineTests.run(arguments + ["--kernel", "interleaved *_rope", "--kernel", "fused product"]).output == own.output)
    }

    @Test(arguments: [
        ("naive", "takes a kernel and a pattern"), ("nonsense *", "there is no kernel nonsense"),
        ("blas @softmax", "@softmax has no kernel blas"),
        ("flash *.probs", "softmax has simd"),
    ])
    func mistakesTakeOneLine(_ text: String, _ says: String) throws {
        let outcome = try CommandLineTests.mica("stats", CommandLineTests.llama, "--ids", "1,2", "--kernel", text)
        #expect(outcome.code != 0 && outcome.output.isEmpty && !outcome.hasControls && outcome.errors.contains(says), "\(outcome.errors)")
    }
}
