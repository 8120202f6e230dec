import CKernels
import Foundation
import Testing

/// A function's slope in fp64, from the formula.
struct Slope: CustomTestStringConvertible, Sendable {
    var function: ck_function, name: String
    var truth: @Sendable (Double) -> Double

    var testDescription: String { name }

    static let table = [
        Slope(function: CK_EXP, name: "exp") { exp($0) },
        Slope(function: CK_TANH, name: "tanh") { 1 / (cosh($0) * cosh($0)) },
        Slope(function: CK_SIGMOID, name: "sigmoid") { 1 / ((1 + exp(-$0)) * (1 + exp($0))) },
        Slope(function: CK_SILU, name: "silu") { (1 + $0 / (1 + exp($0))) / (1 + exp(-$0)) },
        Slope(function: CK_GELU_QUICK, name: "quick GELU") { (1 + 1.702 * $0 / (1 + exp(1.702 * $0))) / (1 + exp(-1.702 * $0)) },
        Slope(function: CK_GELU_ERF, name: "GELU") {
            0.5 * (1 + erf($0 * 0.5.squareRoot())) + $0 * exp(-$0 * $0 / 2) / (2 * .pi).squareRoot()
        },
        Slope(function: CK_GELU_TANH, name: "tanh GELU") { x in
            let root = (2 / Double.pi).squareRoot(), t = tanh(root * (x + 0.044715 * x * x * x))
            return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x)
        },
        Slope(function: CK_RELU, name: "ReLU") { $0 > 0 ? 1 : 0 },
        Slope(function: CK_RELU_SQUARED, name: "squared ReLU") { max(2 * $0, 0) },
    ]
}

extension Kernels {
    @Test("slopes are near the truth and the same on every instruction set", arguments: Slope.table)
    func slopes(_ slope: Slope) {
        var random = Generator(31)
        let x = (0..<40_003).map { _ in random.value() * Float(sign: .plus, exponent: random.below(9) - 4, significand: 1) } + [0, 60, -60]
        let dy = random.values(x.count)
        var first: [Float]?
        onEachInstructionSet { name in
            for threads in 1...2 as ClosedRange<Int32> {
                var dx = [Float](repeating: 7, count: x.count)
                ck_map_gradient(slope.function, x, dy, nil, nil, &dx, Int64(x.count), threads)
                let worst =
                    (0..<x.count).map { i in
                        let truth = slope.truth(Double(x[i]))
                        return abs(Double(dx[i]) - truth * Double(dy[i])) / max(abs(truth), 1)
                    }.max() ?? .infinity
                #expect(worst <= 6e-7, "\(name)")
                #expect(first.map { same($0, dx) } ?? true, "\(name), \(threads) threads differ")
                first = dx
            }
        }
    }

    @Test("gradients of norms are the formulas in fp64, rounded", arguments: [1, 7, 16, 33, 576], [false, true])
    func normGradients(n: Int, plusOne: Bool) {
        var random = Generator(UInt64(n) + 50)
        let rows = 37, x = random.values(rows * n).map { $0 * 3 + 2 }, dy = random.values(rows * n), w = Elements(CK_BF16, random.values(n))
        let one: Int32 = plusOne ? 1 : 0, weights = w.values.map { Double($0) + Double(one) }
        let rms = normTruth(x, dy, weights, rows: rows, layer: false), layer = normTruth(x, dy, weights, rows: rows, layer: true)
        var firstBits: [[Float]]?
        onEachInstructionSet { name in
            for threads in 1...3 as ClosedRange<Int32> {
                var dx = [Float](repeating: 7, count: rows * n), dw = [Float](repeating: 7, count: n), lx = dx, lw = dw, lb = dw
                w.withPointer { w in
                    ck_rms_norm_gradient(dy, x, w, CK_BF16, 1e-5, one, nil, &dx, &dw, Int64(rows), Int64(n), threads)
                    ck_layer_norm_gradient(dy, x, w, CK_BF16, 1e-5, one, nil, &lx, &lw, &lb, Int64(rows), Int64(n), threads)
                }
                #expect(near(dx, rms.dx) && near(dw, rms.dw), "RMS, \(name)")
                #expect(near(lx, layer.dx) && near(lw, layer.dw) && near(lb, layer.db), "layer, \(name)")
                let bits = [dx, dw, lx, lw, lb]
                #expect(firstBits.map { zip($0, bits).allSatisfy { same($0, $1) } } ?? true, "\(name), \(threads) threads differ")
                firstBits = bits
                var alone = [Float](repeating: 7, count: n)
                w.withPointer { ck_rms_norm_gradient(dy, x, $0, CK_BF16, 1e-5, one, nil, nil, &alone, Int64(rows), Int64(n), threads) }
                #expect(same(alone, dw), "dw without dx, \(name)")
            }
        }
    }

    private func near(_ values: [Float], _ truth: [Double]) -> Bool {
        zip(values, truth).allSatisfy { abs(Double($0) - $1) <= 2e-7 * abs($1) + 1e-9 }
    }

    private func normTruth(
        _ x: [Float], _ dy: [Float], _ w: [Double], rows: Int, layer: Bool
    ) -> (dx: [Double], dw: [Double], db: [Double]) {
        let n = w.count
        var dx: [Double] = [], dw = [Double](repeating: 0, count: n), db = dw
        for r in 0..<rows {
            let row = x[r * n..<r * n + n].map(Double.init), d = dy[r * n..<r * n + n].map(Double.init)
            let mean = layer ? row.reduce(0, +) / Double(n) : 0
            let scale = 1 / (row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n) + Double(Float(1e-5))).squareRoot()
            let normal = row.map { ($0 - mean) * scale }, g = zip(d, w).map(*)
            let offset = layer ? g.reduce(0, +) / Double(n) : 0, slope = zip(g, normal).reduce(0) { $0 + $1.0 * $1.1 } / Double(n)
            for j in 0..<n {
                dx.append(scale * (g[j] - offset - normal[j] * slope))
                dw[j] += d[j] * normal[j]
                db[j] += d[j]
            }
        }
        return (dx, dw, db)
    }

    @Test("softmax's gradient is p (dp - sum of p dp); what is hidden is 0 and never read", arguments: [1, 2, 15, 16, 17, 40, 200])
    func softmaxGradient(n: Int) {
        var random = Generator(UInt64(n) + 70)
        let rows = 7
        var p = random.values(rows * n).map { abs($0) }, dp = random.values(rows * n)
        for r in 0..<rows { for j in 0..<n where j > r { (p[r * n + j], dp[r * n + j]) = (.nan, .nan) } }
        var first: [Float]?
        onEachInstructionSet { name in
            for threads in 1...2 as ClosedRange<Int32> {
                var dx = [Float](repeating: 7, count: rows * n), mask = ck_mask(past: 0, window: 0, causal: 1, first: nil)
                ck_softmax_gradient(p, dp, nil, &dx, Int64(rows), Int64(n), &mask, Int64(rows), threads)
                for r in 0..<rows {
                    let seen = (0..<min(n, r + 1)).map { r * n + $0 }, sum = seen.reduce(0.0) { $0 + Double(p[$1]) * Double(dp[$1]) }
                    for i in seen { #expect(abs(Double(dx[i]) - Double(p[i]) * (Double(dp[i]) - sum)) < 1e-6, "\(name)") }
                    for j in seen.count..<n { #expect(dx[r * n + j] == 0, "\(name)") }
                }
                #expect(first.map { same($0, dx) } ?? true, "\(name), \(threads) threads differ")
                first = dx
            }
        }
    }

    @Test("cross entropy's gradient is softmax less the target, times the row's own; without a target 0", arguments: [1, 16, 1001])
    func crossEntropyGradient(n: Int) {
        var random = Generator(UInt64(n) + 90)
        let z = random.values(3 * n).map { $0 * 8 }, targets: [Int32] = [Int32(n - 1), -1, 0], dl: [Float] = [0.25, .nan, -3]
        var first: [Float]?
        onEachInstructionSet { name in
            var dz = [Float](repeating: 7, count: 3 * n)
            ck_cross_entropy_gradient(z, targets, dl, nil, &dz, 3, Int64(n), 2)
            for r in [0, 2] {
                let row = z[r * n..<r * n + n].map { exp(Double($0)) }, sum = row.reduce(0, +)
                for v in 0..<n {
                    let truth = (row[v] / sum - (v == Int(targets[r]) ? 1 : 0)) * Double(dl[r])
                    #expect(abs(Double(dz[r * n + v]) - truth) < 1e-6, "\(name)")
                }
            }
            #expect(dz[n..<2 * n].allSatisfy { $0 == 0 }, "\(name)")
            #expect(first.map { same($0, dz) } ?? true, "\(name) differs")
            first = dz
            var inPlace = z
            inPlace.withUnsafeMutableBufferPointer {
                ck_cross_entropy_gradient($0.baseAddress, targets, dl, nil, $0.baseAddress, 3, Int64(n), 1)
            }
            #expect(same(inPlace, dz), "in place, \(name)")
        }
    }

    @Test("a capped score passes 1 - (s / cap)² of its gradient on, a hidden one nothing")
    func softcapGradient() {
        let s: [Float] = [0, 1, -2, 1.5, -.infinity], ds: [Float] = [1, 2, 3, -1, .nan]
        onEachInstructionSet { name in
            var y = [Float](repeating: 7, count: 5)
            ck_softcap_gradient(ds, s, 2, 1, nil, &y, 5, 1)
            #expect(y == [1, 1.5, 0, -0.4375, 0], "\(name)")
            ck_softcap_gradient(ds, s, 2, 0, nil, &y, 5, 1)
            let truth = zip(s, ds).map { 1 - pow(tanh(Double($0) / 2), 2) == 0 ? 0 : Double($1) * (1 - pow(tanh(Double($0) / 2), 2)) }
            #expect(zip(y, truth).allSatisfy { abs(Double($0) - $1) <= 5e-7 }, "\(name), not capped yet")
        }
    }
}
