import Screen
import StrictJSON

/// The measurements, as a table or as JSON.
struct BenchReport {
    let path: String
    let precision: String
    let results: [Bench.Result]
    let machine: BenchMachine

    var text: String {
        let header = ["work", "tokens", "tokens/s", "GFLOP/s", "of limit", "weights GB/s", "peak"]
        var table = TextTable(header: header, rightAligned: Set(1..<header.count))
        for result in results { table.add(row(result)) }
        let limit = "matrix product limit \(Numbers.compact(machine.productLimit)) GFLOP/s"
        let how = "with \(machine.threads) thread\(machine.threads == 1 ? "" : "s"), \(machine.instructionSet)"
        return "\(table.text)\n\(limit) \(how); OpenBLAS took its \(machine.blasCore) kernels"
    }

    private func row(_ result: Bench.Result) -> [String] {
        [
            result.work.rawValue, "\(result.tokens)", Numbers.compact(result.tokensPerSecond, digits: 4), Numbers.compact(result.gigaflops),
            "\(Int((share(result) * 100).rounded())) %", bandwidth(result).map { Numbers.compact($0) } ?? "",
            Numbers.bytes(result.peakBytes),
        ]
    }

    /// For one kind of work: all on one level.
    var jsonOfOne: JSONValue {
        let members = results.first.map(members) ?? []
        return .object([("model", .string(path))] + members + machineMembers)
    }

    var json: JSONValue {
        let items = results.map { JSONValue.object(members($0)) }
        return .object([("model", .string(path)), ("results", .array(items))] + machineMembers)
    }

    private func members(_ result: Bench.Result) -> [(String, JSONValue)] {
        [
            ("work", .string(result.work.rawValue)), ("precision", .string(precision)), ("tokens", .integer(result.tokens)),
            ("tokens_per_second", .real(result.tokensPerSecond)), ("gflops", .real(result.gigaflops)),
            ("share_of_product_limit", .real(share(result))),
            ("weight_gigabytes_per_second", bandwidth(result).map { .real($0) } ?? .null),
            ("peak_bytes", .integer(result.peakBytes)),
        ]
    }

    private var machineMembers: [(String, JSONValue)] {
        [
            ("threads", .integer(machine.threads)), ("product_limit_gflops", .real(machine.productLimit)),
            ("instruction_set", .string(machine.instructionSet)), ("openblas_core", .string(machine.blasCore)),
        ]
    }

    private func share(_ result: Bench.Result) -> Double { result.gigaflops / machine.productLimit }

    private func bandwidth(_ result: Bench.Result) -> Double? {
        result.weightBytes.map { Double($0) * result.tokensPerSecond * 1e-9 }
    }
}
