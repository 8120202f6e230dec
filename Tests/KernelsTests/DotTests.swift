import CKernels
import Foundation
import Testing

extension Product {
    /// The sums that VDPBF16PS is documented to make: of each pair the second product first, inputs and sums below 2⁻¹²⁶ zero.
    private static func pairs(_ x: [Float], _ w: [Float]) -> Float {
        var sum: Float = 0
        for p in stride(from: 0, to: x.count, by: 2) {
            for q in [p + 1, p] {
                let (a, b) = q < x.count ? (plain(narrow(x[q])), plain(narrow(w[q]))) : (0, 0)
                sum = plain(sum.addingProduct(a, b))
            }
        }
        return sum
    }

    /// The sums that TDPBF16PS is documented to make: of each 32 products two chains from 0, over the even and the odd ones, added at the end.
    /// Products outside `seen` take no part.
    static func tiles(_ x: [Float], _ w: [Float], seen: Range<Int>? = nil) -> Float {
        var sum: Float = 0
        for p in stride(from: 0, to: x.count, by: 32) {
            var chains: (Float, Float) = (0, 0)
            for q in p..<min(p + 32, x.count) where seen?.contains(q) ?? true {
                let (a, b) = (plain(narrow(x[q])), plain(narrow(w[q])))
                if q % 2 == 0 { chains.0 = plain(chains.0.addingProduct(a, b)) } else { chains.1 = plain(chains.1.addingProduct(a, b)) }
            }
            sum = plain(sum + plain(chains.0 + chains.1))
        }
        return sum
    }

    private static func plain(_ x: Float) -> Float { x.magnitude < Float.leastNormalMagnitude ? (x.sign == .minus ? -0.0 : 0) : x }

    /// To nearest even: below the kept digits half a step is added, less a little where the last digit is even.
    private static func narrow(_ x: Float) -> Float {
        Float(bitPattern: (x.bitPattern + 0x7FFF + (x.bitPattern >> 16 & 1)) & 0xFFFF_0000)
    }

    /// How a product adds up, and how its x is stored.
    enum Sums: CaseIterable { case pairs, tiles, turnedTiles }

    /// The product on every instruction set, for 1 to 3 threads; `exponent` moves x towards the subnormal numbers.
    func run(_ sums: Sums, exponent: Int) -> Bool {
        var random = Generator(UInt64(m * 7919 + n * 31 + k))
        let turned = sums == .turnedTiles, length = turned ? m : k, lines = turned ? k : m
        let ldx = length + 3, width = transposed ? n : k, ldw = width + 1, ldy = n + 2
        let x = random.values(lines * ldx).map { $0 * Float(sign: .plus, exponent: exponent, significand: 1) }
        let w = Elements(type, random.values((transposed ? k : n) * ldw)), b = Elements(bias ?? CK_F32, random.values(n))
        var expected = [Float](repeating: 7, count: m * ldy)
        for i in 0..<m {
            let row = (0..<k).map { x[turned ? $0 * ldx + i : i * ldx + $0] }
            for j in 0..<n {
                let column = (0..<k).map { w.values[transposed ? $0 * ldw + j : j * ldw + $0] }
                let sum = sums == .pairs ? Product.pairs(row, column) : Product.tiles(row, column)
                expected[i * ldy + j] = bias == nil ? sum : sum + b.values[j]
            }
        }
        var good = true
        onEachInstructionSet { _ in
            for threads in [Int32(1), 2, 3] {
                var y = [Float](repeating: 7, count: m * ldy)
                w.withPointer { w in
                    b.withPointer { b in
                        let (b, type) = (bias == nil ? nil : b, bias ?? CK_F32)
                        let sides = (Int64(ldx), Int64(ldw), Int64(ldy), transposed ? Int32(1) : 0)
                        let (m, n, k) = (Int64(m), Int64(n), Int64(k))
                        if sums == .pairs {
                            ck_matmul_bf16(x, sides.0, w, self.type, sides.3, sides.1, b, type, nil, &y, sides.2, m, n, k, threads)
                        } else {
                            ck_matmul_bf16_tile(
                                x, sides.0, turned ? 1 : 0, w, self.type, sides.3, sides.1, b, type, nil, &y, sides.2, m, n, k, threads)
                        }
                    }
                }
                good = good && same(y, expected)
            }
        }
        return good
    }
}

extension Kernels {
    @Test(
        "in bf16 pairs, too, few rows have the bits that they have among many", arguments: [CK_F32, CK_BF16, CK_F16],
        [(151, false), (150, true), (151, true)])
    func fewDots(type: ck_type, _ form: (k: Int, transposed: Bool)) {
        var random = Generator(6)
        let (k, transposed) = form, m = 40, n = 1100
        let ldw = Int64(transposed ? n : k), x = random.values(m * k), w = Elements(type, random.values(n * k))
        onEachInstructionSet { name in
            var all = [Float](repeating: 0, count: m * n)
            w.withPointer {
                ck_matmul_bf16(x, Int64(k), $0, type, transposed ? 1 : 0, ldw, nil, CK_F32, nil, &all, 1100, 40, 1100, Int64(k), 2)
            }
            for rows in [1, 2, 3, 4, 5, 11, 12, 13] {
                var few = [Float](repeating: 0, count: rows * n)
                w.withPointer {
                    ck_matmul_bf16(
                        x, Int64(k), $0, type, transposed ? 1 : 0, ldw, nil, CK_F32, nil, &few, 1100, Int64(rows), 1100, Int64(k), 2)
                }
                #expect(same(few, Array(all[..<(rows * n)])), "\(name), \(rows) rows")
            }
        }
    }

    @Test(
        "products of bf16 numbers have the bits of VDPBF16PS and of TDPBF16PS everywhere",
        arguments: Product.table.filter { $0.m * $0.n * $0.k < 200_000 }, Product.Sums.allCases)
    func dots(_ product: Product, _ sums: Product.Sums) {
        #expect(product.run(sums, exponent: 0))
        #expect(product.run(sums, exponent: -120))
    }

    @Test("a product of tiles has the same bits for any number of rows, blocks, stretches", arguments: [CK_F32, CK_BF16], [false, true])
    func tiles(type: ck_type, transposed: Bool) {
        var random = Generator(7)
        let (m, n, k) = (600, 70, 1700), ldw = Int64(transposed ? n : k)
        let x = random.values(m * k), w = Elements(type, random.values(n * k))
        onEachInstructionSet { name in
            var all = [Float](repeating: 0, count: m * n)
            w.withPointer {
                ck_matmul_bf16_tile(x, 1700, 0, $0, type, transposed ? 1 : 0, ldw, nil, CK_F32, nil, &all, 70, 600, 70, 1700, 2)
            }
            for rows in [1, 4, 16, 17, 31, 33, 513] {
                var few = [Float](repeating: 0, count: rows * n)
                w.withPointer {
                    ck_matmul_bf16_tile(x, 1700, 0, $0, type, transposed ? 1 : 0, ldw, nil, CK_F32, nil, &few, 70, Int64(rows), 70, 1700, 3)
                }
                #expect(same(few, Array(all[..<(rows * n)])), "\(name), \(rows) rows")
            }
        }
    }

    @Test("an output that goes to memory past the caches has the same bits as one that does not")
    func streamedTiles() {
        var random = Generator(8)
        let (m, n, k) = (40, 13_120 * 16, 34), x = random.values(m * k), w = Elements(CK_BF16, random.values(n * k))
        let bf16 = ck_format(
            mantissa: 7, bias: 127, maximum: 0x1.fep127, overflow: CK_TO_INFINITY, has_nan: 1, flush: 0, parts_only: 0, hides: 0)
        /// Rows that lie `ldy` apart; streams want them on bounds of 64 bytes.
        func product(ldy: Int) -> UnsafeMutableRawPointer {
            let y = UnsafeMutableRawPointer.allocate(byteCount: m * ldy * 4, alignment: 64)
            withUnsafePointer(to: bf16) { format in
                w.withPointer {
                    ck_matmul_bf16_tile(
                        x, Int64(k), 0, $0, CK_BF16, 0, Int64(k), nil, CK_F32, format, y.assumingMemoryBound(to: Float.self), Int64(ldy),
                        Int64(m), Int64(n), Int64(k), 2)
                }
            }
            return y
        }
        let streamed = product(ldy: n), stored = product(ldy: n + 1)
        defer { (streamed.deallocate(), stored.deallocate()) }
        let differing = (0..<m).filter { memcmp(streamed + $0 * n * 4, stored + $0 * (n + 1) * 4, n * 4) != 0 }
        #expect(differing.isEmpty, "rows \(differing)")
    }
}
