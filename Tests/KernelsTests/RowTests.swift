import CKernels
import Foundation
import Testing

func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }

/// A function, its truth in fp64, and how many units in the last place it may be off.
struct Curve: CustomTestStringConvertible, Sendable {
    var function: ck_function, name: String, bound: Double
    var truth: @Sendable (Double) -> Double
    /// Near zero from below the formula's own cancellation, PyTorch's too, costs more than the functions in it: then the error is absolute.
    var absolute = false

    var testDescription: String { name }

    static let table = [
        Curve(function: CK_EXP, name: "exp", bound: 1) { exp($0) },
        Curve(function: CK_TANH, name: "tanh", bound: 2) { tanh($0) },
        Curve(function: CK_SIGMOID, name: "sigmoid", bound: 2.5) { 1 / (1 + exp(-$0)) },
        Curve(function: CK_SILU, name: "silu", bound: 3) { $0 / (1 + exp(-$0)) },
        Curve(function: CK_GELU_QUICK, name: "quick GELU", bound: 4, truth: { $0 / (1 + exp(-1.702 * $0)) }, absolute: true),
        Curve(function: CK_GELU_ERF, name: "GELU", bound: 3, truth: { 0.5 * $0 * (1 + erf($0 * 0.5.squareRoot())) }, absolute: true),
        Curve(
            function: CK_GELU_TANH, name: "tanh GELU", bound: 3,
            truth: { 0.5 * $0 * (1 + tanh(0.7978845608028654 * ($0 + 0.044715 * $0 * $0 * $0))) }, absolute: true),
        Curve(function: CK_RELU, name: "ReLU", bound: 0) { max($0, 0) },
        Curve(function: CK_RELU_SQUARED, name: "squared ReLU", bound: 0.5) { max($0, 0) * max($0, 0) },
    ]
}

extension Kernels {
    @Test("activation functions are near the truth and the same on every instruction set", arguments: Curve.table)
    func functions(_ curve: Curve) {
        var random = Generator(11)
        var x = (0..<20_000).map { _ in random.value() * Float(sign: .plus, exponent: random.below(12) - 5, significand: 1) }
        x.append(contentsOf: [0, -0.0, 80, -80, 0x1p-133, .leastNormalMagnitude, 0.6, -0.93])
        var first: [Float]?
        onEachInstructionSet { name in
            var y = [Float](repeating: 7, count: x.count)
            ck_map(curve.function, x, &y, Int64(x.count), 2)
            let worst =
                zip(x, y).map { x, y in
                    let truth = curve.truth(Double(x))
                    return curve.absolute && x < 0 ? abs(Double(y) - truth) * 0x1p23 : ulps(y, truth)
                }.max() ?? .infinity
            #expect(worst <= curve.bound, "\(name)")
            #expect(first.map { same($0, y) } ?? true, "\(name) differs")
            first = y
        }
    }

    @Test("infinity and NaN go through the functions")
    func functionLimits() {
        let x: [Float] = [.infinity, -.infinity, .nan, 1000, -1000]
        let limits: [(ck_function, [Float])] = [
            (CK_EXP, [.infinity, 0, .nan, .infinity, 0]), (CK_TANH, [1, -1, .nan, 1, -1]), (CK_SIGMOID, [1, 0, .nan, 1, 0]),
            (CK_SILU, [.infinity, .nan, .nan, 1000, -0.0]), (CK_RELU, [.infinity, 0, .nan, 1000, 0]),
        ]
        onEachInstructionSet { name in
            for (function, expected) in limits {
                var y = [Float](repeating: 7, count: 5)
                ck_map(function, x, &y, 5, 1)
                #expect(same(y, expected), "\(name), function \(function.rawValue): \(y)")
            }
        }
    }

    /// Shares are the rounded quotients, however they are found: of sums that are just above a power of two and below one, and of terms down to 0.
    @Test("softmax's shares are exp(x - max) divided by their sum", arguments: [1, 2, 3, 7, 15])
    func shares(ones: Int) {
        var random = Generator(UInt64(ones))
        for round in 0..<2000 {
            let x = (0..<ones).map { _ in Float(0) } + [random.value() * (round % 2 == 0 ? 104 : 1)].map { -abs($0) }
            onEachInstructionSet { name in
                var (terms, y) = (x, x)
                ck_map(CK_EXP, x, &terms, Int64(x.count), 1)
                ck_softmax(x, nil, &y, 1, Int64(x.count), nil, 1, 1)
                let sum = Float(terms.reduce(0.0) { $0 + Double($1) })
                #expect(y == terms.map { $0 / sum }, "\(name), \(x)")
            }
        }
    }

    @Test("softmax rows add up to 1; what is masked is 0 and never read", arguments: [1, 2, 15, 16, 17, 40, 200])
    func softmax(n: Int) {
        var random = Generator(UInt64(n))
        let rows = 7
        var x = random.values(rows * n).map { $0 * 9 }
        for r in 0..<rows { for j in 0..<n where j > r { x[r * n + j] = .nan } }
        var first: [Float]?
        onEachInstructionSet { name in
            var y = [Float](repeating: 7, count: rows * n), mask = ck_mask(past: 0, window: 0, causal: 1, first: nil)
            ck_softmax(x, nil, &y, Int64(rows), Int64(n), &mask, Int64(rows), 2)
            for r in 0..<rows {
                let seen = Array(x[r * n..<r * n + min(n, r + 1)]), top = seen.max() ?? 0, truth = seen.map { exp(Double($0 - top)) }
                let sum = truth.reduce(0, +)
                for j in 0..<n { #expect(j > r ? y[r * n + j] == 0 : ulps(y[r * n + j], truth[j] / sum) < 3, "\(name)") }
            }
            #expect(first.map { same($0, y) } ?? true, "\(name) differs")
            first = y
        }
    }

    @Test("a softmax row of only -infinity, or with NaN, is NaN; one infinity more is none")
    func softmaxLimits() {
        let none = -Float.infinity
        let x: [Float] = [none, none, none, 1, .nan, 2, none, 5, none, 3, .infinity, 1]
        onEachInstructionSet { name in
            var y = [Float](repeating: 7, count: 12)
            ck_softmax(x, nil, &y, 4, 3, nil, 1, 1)
            #expect(same(Array(y[0..<9]), [.nan, .nan, .nan, .nan, .nan, .nan, 0, 1, 0]) && y[10].isNaN, "\(name): \(y)")
        }
    }

    @Test("norms are the formula in fp64, rounded", arguments: [1, 7, 16, 33, 576], [false, true])
    func norms(n: Int, plusOne: Bool) {
        var random = Generator(UInt64(n))
        let rows = 5, x = random.values(rows * n).map { $0 * 3 + 2 }, w = Elements(CK_BF16, random.values(n)), b = random.values(n)
        onEachInstructionSet { name in
            var rms = [Float](repeating: 7, count: rows * n), layer = rms
            w.withPointer { w in
                ck_rms_norm(x, w, CK_BF16, 1e-5, plusOne ? 1 : 0, &rms, Int64(rows), Int64(n), 2)
                ck_layer_norm(x, w, CK_BF16, b, CK_F32, 1e-5, plusOne ? 1 : 0, nil, &layer, Int64(rows), Int64(n), 2)
            }
            for r in 0..<rows {
                let row = x[r * n..<r * n + n].map(Double.init), size = Double(n)
                let square = row.reduce(0) { $0 + $1 * $1 } / size, mean = row.reduce(0, +) / size
                let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / size
                for j in 0..<n {
                    let weight = Double(w.values[j]) + (plusOne ? 1 : 0)
                    let scaled = weight * row[j] / (square + Double(Float(1e-5))).squareRoot()
                    let centred = weight * (row[j] - mean) / (variance + Double(Float(1e-5))).squareRoot() + Double(b[j])
                    #expect(abs(Double(rms[r * n + j]) - scaled) <= 3e-7 * abs(scaled) + 1e-9, "RMS, \(name)")
                    #expect(abs(Double(layer[r * n + j]) - centred) <= 5e-7 * (abs(centred) + abs(Double(b[j]))) + 1e-7, "layer, \(name)")
                }
            }
        }
    }

    @Test("cross entropy is the log of the sum less the target; a negative target is masked")
    func crossEntropy() {
        var random = Generator(9)
        let x = random.values(3 * 1001).map { $0 * 8 }, targets: [Int32] = [0, -1, 1000]
        onEachInstructionSet { name in
            var losses = [Float](repeating: 7, count: 3)
            ck_cross_entropy(x, targets, &losses, 3, 1001, 2)
            for r in [0, 2] {
                let sum = x[r * 1001..<r * 1001 + 1001].reduce(0.0) { $0 + exp(Double($1)) }
                #expect(abs(Double(losses[r]) - (log(sum) - Double(x[r * 1001 + Int(targets[r])]))) < 1e-5, "\(name)")
            }
            #expect(losses[1] == 0)
        }
    }
}
