import CKernels
import Foundation
import Testing

extension Kernels {
    /// The other side: some numbers moved, some bits changed, infinities and NaN put in.
    private static func moved(_ x: [Float]) -> [Float] {
        var random = Generator(UInt64(x.count) + 5)
        return x.enumerated().map { i, value in
            switch random.bits() % 7 {
            case 0: value + random.value() * 0.01
            case 1: Float(bitPattern: value.bitPattern ^ 1)
            case 2 where i % 31 == 0: .infinity
            case 3 where i % 37 == 0: .nan
            case 4 where value == 0: -value
            default: value
            }
        }
    }

    @Test("a difference is what a plain loop finds, on every instruction set", arguments: Values.allCases, [0, 1, 7, 17, 4101, 40_001])
    func difference(values: Values, n: Int) {
        let x = values.make(n), y = Kernels.moved(x)
        let (a, b) = (x.map(Double.init), y.map(Double.init))
        let differ = (0..<n).filter { a[$0].bitPattern != b[$0].bitPattern && !(a[$0].isNaN && b[$0].isNaN) }
        let unmatched = differ.filter { !a[$0].isFinite || !b[$0].isFinite }
        let finite = (0..<n).filter { a[$0].isFinite && b[$0].isFinite }
        let largest = finite.map { abs(a[$0] - b[$0]) }.max() ?? 0
        let largestAt = largest > 0 ? finite.first { abs(a[$0] - b[$0]) == largest } ?? -1 : -1
        let sum = { (term: (Int) -> Double) in finite.reduce(0) { $0 + term($1) } }
        let (aa, bb, ab) = (sum { a[$0] * a[$0] }, sum { b[$0] * b[$0] }, sum { a[$0] * b[$0] })
        let dd = sum { (a[$0] - b[$0]) * (a[$0] - b[$0]) }
        var first: ck_difference_t?
        onEachInstructionSet { name in
            for threads in 1...3 as ClosedRange<Int32> {
                var r = ck_difference_t()
                ck_difference(x, CK_F32, y, CK_F32, Int64(n), &r, threads)
                #expect(r.count == n && r.differing == differ.count && r.unmatched == unmatched.count, "\(name)")
                #expect(r.differing_at == differ.first ?? -1 && r.unmatched_at == unmatched.first ?? -1)
                #expect(r.largest == largest && r.largest_at == largestAt)
                #expect(abs(r.squares_a - aa) <= 1e-12 * aa && abs(r.squares_b - bb) <= 1e-12 * bb)
                #expect(abs(r.distance - dd) <= 1e-12 * dd && abs(r.products - ab) <= 1e-12 * (aa * bb).squareRoot())
                let before = first ?? r
                #expect(r.distance.bitPattern == before.distance.bitPattern && r.products.bitPattern == before.products.bitPattern)
                #expect(r.squares_a.bitPattern == before.squares_a.bitPattern)
                first = r
                var wide = ck_difference_t(), mixed = wide, other = wide
                ck_difference(a, CK_F64, b, CK_F64, Int64(n), &wide, threads)
                ck_difference(a, CK_F64, y, CK_F32, Int64(n), &mixed, threads)
                ck_difference(x, CK_F32, b, CK_F64, Int64(n), &other, threads)
                for same in [wide, mixed, other] {
                    #expect(same.differing == r.differing && same.largest_at == r.largest_at)
                    #expect(same.distance.bitPattern == r.distance.bitPattern)
                }
            }
        }
    }

    @Test("the difference of two doubles that are one fp32 number is seen")
    func smallDifference() {
        let a = [1.0, 2, 3], b = [1.0, 2, 3.0.nextUp]
        var r = ck_difference_t()
        ck_difference(a, CK_F64, b, CK_F64, 3, &r, 1)
        #expect(r.differing == 1 && r.largest_at == 2 && r.largest == 3.0.ulp)
    }

    @Test("the divergence of two distributions is its formula's", arguments: [(1, 5), (7, 2048), (40, 301)])
    func divergence(rows: Int, n: Int) {
        var random = Generator(UInt64(n))
        let x = (0..<rows * n).map { _ in random.value() * 8 }
        let y = x.map { $0 + random.value() * 0.3 }
        onEachInstructionSet { name in
            var kl = [Double](repeating: -1, count: rows), tops = [Int32](repeating: -1, count: rows), others = tops
            ck_divergence(x, CK_F32, y, CK_F32, Int64(rows), Int64(n), &kl, &tops, &others, 2)
            for row in 0..<rows {
                let a = x[row * n..<(row + 1) * n].map(Double.init), b = y[row * n..<(row + 1) * n].map(Double.init)
                let expected = plainDivergence(a, b)
                #expect(abs(kl[row] - expected) <= 1e-13 + 1e-11 * expected, "\(name)")
                #expect(Int(tops[row]) == a.firstIndex(of: a.max() ?? 0) && Int(others[row]) == b.firstIndex(of: b.max() ?? 0))
            }
            ck_divergence(x, CK_F32, x, CK_F32, Int64(rows), Int64(n), &kl, &tops, &others, 1)
            #expect(kl.allSatisfy { $0 == 0 } && tops == others)
        }
    }

    private func plainDivergence(_ a: [Double], _ b: [Double]) -> Double {
        let (p, q) = (softmax(a), softmax(b))
        return zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
    }

    private func softmax(_ x: [Double]) -> [Double] {
        let top = x.max() ?? 0
        let exps = x.map { exp($0 - top) }
        let sum = exps.reduce(0, +)
        return exps.map { $0 / sum }
    }
}
