import CKernels
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

    private static func plain(_ x: Float) -> Float { x.magnitude < Float.leastNormalMagnitude ? (x.sign == .minus ? -0.0 : 0) : x }

    /// To nearest even: below the kept digits half a step is added, less a little where the last digit is even.
    private static func narrow(_ x: Float) -> Float {
        Float(bitPattern: (x.bitPattern + 0x7FFF + (x.bitPattern >> 16 & 1)) & 0xFFFF_0000)
    }

    /// The product in pairs on every instruction set, for 1 to 3 threads; `exponent` moves x towards the subnormal numbers.
    func runPairs(exponent: Int) -> Bool {
        var random = Generator(UInt64(m * 7919 + n * 31 + k))
        let ldx = k + 3, width = transposed ? n : k, ldw = width + 1, ldy = n + 2
        let x = random.values(m * ldx).map { $0 * Float(sign: .plus, exponent: exponent, significand: 1) }
        let w = Elements(type, random.values((transposed ? k : n) * ldw)), b = Elements(bias ?? CK_F32, random.values(n))
        var expected = [Float](repeating: 7, count: m * ldy)
        for i in 0..<m {
            for j in 0..<n {
                let sum = Product.pairs((0..<k).map { x[i * ldx + $0] }, (0..<k).map { w.values[transposed ? $0 * ldw + j : j * ldw + $0] })
                expected[i * ldy + j] = bias == nil ? sum : sum + b.values[j]
            }
        }
        var good = true
        onEachInstructionSet { _ in
            for threads in [Int32(1), 2, 3] {
                var y = [Float](repeating: 7, count: m * ldy)
                w.withPointer { w in
                    b.withPointer { b in
                        ck_matmul_bf16(
                            x, Int64(ldx), w, type, transposed ? 1 : 0, Int64(ldw), bias == nil ? nil : b, bias ?? CK_F32, &y, Int64(ldy),
                            Int64(m), Int64(n), Int64(k), threads)
                    }
                }
                good = good && same(y, expected)
            }
        }
        return good
    }
}

extension Kernels {
    @Test("in bf16 pairs, too, few rows have the bits that they have among many", arguments: [CK_F32, CK_BF16, CK_F16], [false, true])
    func fewDots(type: ck_type, transposed: Bool) {
        var random = Generator(6)
        let m = 40, n = 1100, k = 151, ldw = Int64(transposed ? n : k), x = random.values(m * k), w = Elements(type, random.values(n * k))
        onEachInstructionSet { name in
            var all = [Float](repeating: 0, count: m * n)
            w.withPointer {
                ck_matmul_bf16(x, 151, $0, type, transposed ? 1 : 0, ldw, nil, CK_F32, &all, 1100, 40, 1100, 151, 2)
            }
            for rows in [1, 2, 3, 4, 5, 11, 12, 13] {
                var few = [Float](repeating: 0, count: rows * n)
                w.withPointer {
                    ck_matmul_bf16(x, 151, $0, type, transposed ? 1 : 0, ldw, nil, CK_F32, &few, 1100, Int64(rows), 1100, 151, 2)
                }
                #expect(same(few, Array(all[..<(rows * n)])), "\(name), \(rows) rows")
            }
        }
    }

    @Test("products in bf16 pairs have the bits of VDPBF16PS everywhere", arguments: Product.table.filter { $0.m * $0.n * $0.k < 200_000 })
    func dots(_ product: Product) {
        #expect(product.runPairs(exponent: 0))
        #expect(product.runPairs(exponent: -120))
    }
}
