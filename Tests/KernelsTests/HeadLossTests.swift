import CKernels
import Foundation
import Testing

extension Kernels {
    /// Rows, width, vocabulary: within a chunk of the vocabulary, at its end, over several.
    static let headShapes: [(Int, Int, Int)] = [(1, 1, 1), (3, 5, 37), (7, 33, 4096), (5, 24, 4097), (40, 16, 9001)]

    @Test("head and loss in one are softmax, slope and loss of the logits", arguments: headShapes)
    func headLoss(rows: Int, width: Int, vocabulary: Int) {
        var random = Generator(UInt64(rows + vocabulary))
        let x = random.values(rows * width).map { $0 * 4 }
        let targets = (0..<rows).map { $0 % 3 == 1 ? -100 : Int32(random.below(vocabulary)) }
        for type in [CK_F32, CK_BF16] {
            let w = Elements(type, random.values(vocabulary * width).map { $0 * 2 })
            let truth = Self.headTruth(x, w.values, targets, width)
            var bits: [[UInt32]] = []
            onEachInstructionSet { name in
                for threads: Int32 in [1, 2] {
                    var y = [Float](repeating: 7, count: rows * (width + 1))
                    w.withPointer {
                        ck_head_loss(x, $0, type, Int64(width), targets, &y, Int64(rows), Int64(width), Int64(vocabulary), threads)
                    }
                    let worst = zip(y, truth).map { abs(Double($0) - $1) }.max() ?? 0
                    #expect(worst < 2e-5, "\(name), \(threads) threads")
                    bits.append(y.map(\.bitPattern))
                }
            }
            for pair in stride(from: 0, to: bits.count, by: 2) { #expect(bits[pair] == bits[pair + 1]) }
        }
    }

    private static func headTruth(_ x: [Float], _ w: [Float], _ targets: [Int32], _ width: Int) -> [Double] {
        targets.enumerated().flatMap { r, target -> [Double] in
            if target < 0 { return [Double](repeating: 0, count: width + 1) }
            let z = (0..<w.count / width).map { v in (0..<width).reduce(0.0) { $0 + Double(x[r * width + $1]) * Double(w[v * width + $1]) }
            }
            let top = z.max() ?? 0
            let exps = z.map { exp($0 - top) }
            let sum = exps.reduce(0, +)
            let slope = (0..<width).map { i in
                exps.indices.reduce(0.0) { $0 + exps[$1] / sum * Double(w[$1 * width + i]) } - Double(w[Int(target) * width + i])
            }
            return slope + [log(sum) + top - z[Int(target)]]
        }
    }
}
