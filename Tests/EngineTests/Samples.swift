import Engine
import Tensors
import Testing

/// Deterministic numbers for op samples (SplitMix64 and Box–Muller).
struct Noise {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func uniform() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (Double((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53
    }

    /// The sum of twelve uniforms, less 6: near enough to normal.
    mutating func normal() -> Float { Float((0..<12).reduce(-6.0) { sum, _ in sum + uniform() }) }

    mutating func tensor(_ input: OpSample.Input) throws -> Tensor {
        switch input {
        case .normal(let shape): return try Tensor(shape, (0..<shape.elementCount).map { _ in normal() })
        case .scores(let shape, let mask):
            return try Tensor(
                shape,
                (0..<shape.elementCount).map { position in
                    let index = shape.index(at: position)
                    return mask.range(query: index[1], keys: shape[2]).contains(index[2]) ? normal() : -.infinity
                })
        case .ids(let count, let below): return try Tensor(ids: (0..<count).map { _ in Int32(uniform() * Double(below)) })
        case .integers(let numbers): return try Tensor(ids: numbers)
        case .probabilities(let shape):
            var values = (0..<shape.elementCount).map { _ in Float(uniform()) }
            for row in 0..<shape.rowCount {
                let range = row * shape.rowLength..<(row + 1) * shape.rowLength
                let sum = values[range].reduce(0, +)
                for i in range { values[i] /= sum }
            }
            return try Tensor(shape, values)
        }
    }
}

/// One op with one set of inputs, named for the test report.
struct SampleCase: CustomTestStringConvertible, Sendable {
    let sample: OpSample
    let number: Int
    var testDescription: String { "\(type(of: sample.op).card.name) \(number)" }

    static let all: [SampleCase] = OpCatalogue.all.flatMap { type in type.samples.enumerated().map { SampleCase(sample: $1, number: $0) } }

    var shapes: [Shape] {
        sample.inputs.map { input in
            switch input {
            case .normal(let shape), .scores(let shape, _), .probabilities(let shape): shape
            case .ids(let count, _): Shape((.token, count))
            case .integers(let numbers): Shape((.token, numbers.count))
            }
        }
    }

    func inputs() throws -> [Tensor] {
        var noise = Noise(seed: UInt64(number + 1) &* 7919)
        return try sample.inputs.map { try noise.tensor($0) }
    }

    /// Σ(a − b)² / Σb²; a pair of equal infinities counts as equal.
    static func error(_ a: [Double], _ b: [Double]) -> Double {
        var (difference, size) = (0.0, 0.0)
        for (x, y) in zip(a, b) where !(x == y || (x.isNaN && y.isNaN)) {
            if !x.isFinite || !y.isFinite { return .infinity }
            difference += (x - y) * (x - y)
            size += y * y
        }
        return difference == 0 ? 0 : difference / max(size, 1e-300)
    }
}
