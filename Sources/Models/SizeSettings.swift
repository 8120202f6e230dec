import Checkpoints
import Foundation

/// How attention is cut into heads: `heads` of queries, `kvHeads` of keys and values, each shared by `group` heads of queries.
package struct HeadCounts: Equatable, Sendable {
    package let heads: Int
    package let kvHeads: Int
    package let headDim: Int
    package var group: Int { heads / kvHeads }
}

extension SettingsReader {
    /// Reads and checks the heads. `grouped`: the architecture knows num_key_value_heads and head_dim. `rotated`: heads are turned in pairs.
    /// `standard`: the head_dim of a configuration that names none; without it the hidden size is shared out.
    package mutating func heads(
        hidden: Int, grouped: Bool = true, rotated: Bool = true, standard: Int? = nil
    ) throws(CheckpointError) -> HeadCounts {
        let heads = try positiveInt("num_attention_heads", aliases: ["n_head"])
        let given = grouped ? try optionalPositiveInt("head_dim") ?? standard : nil
        if given == nil && hidden % heads != 0 {
            throw fault("hidden_size \(hidden) not divisible by \(heads) heads\(grouped ? " and no head_dim" : "")")
        }
        let headDim = given ?? hidden / heads
        let kvHeads = grouped ? try keyValueHeads(of: heads) : heads
        if rotated && headDim % 2 != 0 { throw fault("head_dim must be even for RoPE, is \(headDim)") }
        if heads.multipliedReportingOverflow(by: headDim).overflow {
            throw fault("\(heads) heads of head_dim \(headDim) need at least 8 EB")
        }
        return HeadCounts(heads: heads, kvHeads: kvHeads, headDim: headDim)
    }

    private mutating func keyValueHeads(of heads: Int) throws(CheckpointError) -> Int {
        let key = "num_key_value_heads"
        guard let (_, value) = try find(key, []) else { return heads }
        guard let count = value.integer, count > 0, heads % count == 0 else {
            throw fault("\(key) must divide num_attention_heads (\(key) = \(said(value)), num_attention_heads = \(heads))")
        }
        return count
    }

    /// No axis is longer than ids and positions of 32 bits can count; so a product of two settings never overflows.
    func checkRange(of key: String, _ value: Int) throws(CheckpointError) {
        guard value > Int(Int32.max) else { return }
        let need = SettingsReader.product([value, 4]).map { SettingsReader.spoken(bytes: $0) } ?? "8 EB"
        throw fault("\(key) is too large: it needs at least \(need) (\(key) = \(value), limit \(Int32.max))")
    }

    /// Refuses sizes that no file and no machine can hold, before anything is made by them. `perLayer` and `elsewhere`: the shapes of the
    /// weights; `held`: how many parameters the files have. A model that differs from its files by less is for the comparison of shapes.
    package func checkSizes(layers: Int, perLayer: [[Int]], elsewhere: [[Int]], held: Int?) throws(CheckpointError) {
        guard let (key, value) = sizes.max(by: { $0.value < $1.value }) else { return }
        let layer = SettingsReader.sum(perLayer)
        let parameters = SettingsReader.sum([layer.map { [$0, layers] }, SettingsReader.sum(elsewhere).map { [$0] }])
        let bytes = SettingsReader.product([parameters, 4])
        if let bytes, let parameters, isPlausible(bytes, parameters, held) { return }
        let need = bytes.map { SettingsReader.spoken(bytes: $0) } ?? "8 EB"
        let files = held.map { ", the files hold \($0) parameters" } ?? ""
        let memory = SettingsReader.spoken(bytes: SettingsReader.physicalMemory)
        throw fault("needs at least \(need) (\(key) = \(value)\(files), this machine has \(memory))")
    }

    /// Fits the machine or its files; without files, is not larger than any model there is.
    private func isPlausible(_ bytes: Int, _ parameters: Int, _ held: Int?) -> Bool {
        guard let held else { return bytes <= 16_000_000_000_000 }
        return parameters <= held || bytes <= SettingsReader.physicalMemory
    }

    private static var physicalMemory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    /// Nil where it overflows.
    private static func product(_ factors: [Int?]) -> Int? {
        var product = 1
        for factor in factors {
            guard let factor else { return nil }
            let (next, overflows) = product.multipliedReportingOverflow(by: factor)
            if overflows { return nil }
            product = next
        }
        return product
    }

    private static func sum(_ shapes: [[Int]?]) -> Int? {
        var sum = 0
        for shape in shapes {
            guard let shape, let count = product(shape) else { return nil }
            let (next, overflows) = sum.addingReportingOverflow(count)
            if overflows { return nil }
            sum = next
        }
        return sum
    }

    private static func spoken(bytes: Int) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        var (tenths, unit) = (bytes, 0)
        while tenths >= (unit == 0 ? 1000 : 10_000) && unit < units.count - 1 {
            tenths /= unit == 0 ? 100 : 1000
            unit += 1
        }
        return unit == 0 ? "\(bytes) B" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
