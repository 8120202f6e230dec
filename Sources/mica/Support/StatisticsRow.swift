import Engine
import Screen
import StrictJSON
import Tensors

/// What `mica stats` says of one value. Names come from the architecture, not from a file.
struct StatisticsRow {
    let value: Value
    let statistics: Statistics

    static let columns = ["name", "shape", "min", "max", "mean", "std", "rms", "absmax", "zeros", "NaN", "+Inf", "-Inf", "hash"]

    /// Three digits, for reading.
    var compact: [String] {
        let s = statistics
        let numbers = [Double(s.min), Double(s.max), s.mean, s.std, s.rms, Double(s.absMax)].map { Numbers.compact($0) }
        return [value.name, "\(value.shape)"] + numbers + counts + [hash]
    }

    /// Every digit.
    var exact: [String] {
        let s = statistics
        let numbers = [
            Numbers.exact(s.min), Numbers.exact(s.max), Numbers.exact(s.mean), Numbers.exact(s.std), Numbers.exact(s.rms),
            Numbers.exact(s.absMax),
        ]
        return [value.name, value.shape.counts.map(String.init).joined(separator: "x")] + numbers + counts + [hash]
    }

    var json: JSONValue {
        let s = statistics
        return .object([
            ("name", .string(value.name)), ("aliases", .array(value.aliases.map { .string($0) })),
            ("shape", .array(value.shape.counts.map { .integer($0) })), ("min", .real(Double(s.min))), ("max", .real(Double(s.max))),
            ("mean", .real(s.mean)), ("std", .real(s.std)), ("rms", .real(s.rms)), ("absmax", .real(Double(s.absMax))),
            ("zeros", .integer(s.zeros)), ("nan", .integer(s.nan)), ("positive_infinity", .integer(s.positiveInfinity)),
            ("negative_infinity", .integer(s.negativeInfinity)), ("hash", .string(hash)),
        ])
    }

    private var counts: [String] {
        [statistics.zeros, statistics.nan, statistics.positiveInfinity, statistics.negativeInfinity].map(String.init)
    }

    private var hash: String {
        let digits = String(statistics.hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
