import CKernels
import Testing

extension Kernels {
    /// Products in other orders, fused steps and attention in tiles: the same bits on every instruction set, for any number of threads.
    @Suite struct VariantTests {
        /// Plain loops over k, as each order is defined.
        private static func sum(_ order: ck_order, _ x: [Float], _ w: [Float]) -> Float {
            let k = x.count
            func chain(_ range: Range<Int>) -> Float { range.reduce(0) { $0.addingProduct(x[$1], w[$1]) } }
            switch order {
            case CK_NAIVE: return (0..<k).reduce(0) { $0 + x[$1] * w[$1] }
            case CK_REVERSED: return (0..<k).reversed().reduce(0) { $0.addingProduct(x[$1], w[$1]) }
            case CK_KAHAN:
                var (sum, lost): (Float, Float) = (0, 0)
                for p in 0..<k {
                    let term = x[p] * w[p] - lost
                    let next = sum + term
                    (lost, sum) = ((next - sum) - term, next)
                }
                return sum
            case CK_SPLIT_K:
                let part = (0..<4).map { chain($0 * k / 4..<($0 + 1) * k / 4) }
                return (part[0] + part[1]) + (part[2] + part[3])
            default:
                /// Leaves of sixteen under the largest power of two that is smaller than their number.
                func tree(_ leaves: Range<Int>) -> Float {
                    if leaves.count == 1 { return chain(leaves.lowerBound * 16..<min(k, leaves.upperBound * 16)) }
                    var half = 1
                    while half * 2 < leaves.count { half *= 2 }
                    return tree(leaves.lowerBound..<leaves.lowerBound + half) + tree(leaves.lowerBound + half..<leaves.upperBound)
                }
                return k == 0 ? 0 : tree(0..<(k + 15) / 16)
            }
        }

        @Test(arguments: [CK_NAIVE, CK_REVERSED, CK_PAIRWISE, CK_KAHAN, CK_SPLIT_K])
        func ordersAreThoseOfPlainLoops(_ order: ck_order) {
            for (m, n, k) in [(1, 1, 1), (17, 3, 15), (3, 70, 16), (2, 5, 33), (5, 2, 1000), (1, 2, 0)] {
                for transposed in [false, true] {
                    var random = Generator(UInt64(m * 7919 + n * 31 + k))
                    let x = random.values(m * k), bias = random.values(n)
                    let w = Elements(k % 2 == 0 ? CK_F32 : CK_BF16, random.values(n * k + 1))
                    let expected = (0..<m * n).map { place in
                        let column = (0..<k).map { w.values[transposed ? $0 * n + place % n : place % n * k + $0] }
                        return Self.sum(order, Array(x[place / n * k..<(place / n + 1) * k]), column) + bias[place % n]
                    }
                    onEachInstructionSet { name in
                        for threads: Int32 in [1, 3] {
                            var y = [Float](repeating: 7, count: m * n)
                            w.withPointer { w in
                                ck_ordered_matmul(
                                    order, x, Int64(k), w, k % 2 == 0 ? CK_F32 : CK_BF16, transposed ? 1 : 0, Int64(transposed ? n : k),
                                    bias, &y,
                                    Int64(n), Int64(m), Int64(n), Int64(k), threads)
                            }
                            #expect(same(y, expected), "\(name), \(m)x\(n)x\(k), \(threads) threads")
                        }
                    }
                }
            }
        }

        /// What `make` writes on each instruction set with one and with three threads is one and the same.
        private func isOne(_ count: Int, _ make: (inout [Float], Int32) -> Void) {
            var first: [Float]?
            onEachInstructionSet { name in
                for threads: Int32 in [1, 3] {
                    var y = [Float](repeating: 7, count: count)
                    make(&y, threads)
                    #expect(same(y, first ?? y), "\(name), \(threads) threads")
                    first = first ?? y
                }
            }
        }

        @Test(arguments: [(1, 1, 1), (5, 33, 70), (3, 40, 1000)]) func integerBlocksHaveTheSameBits(_ m: Int, _ n: Int, _ k: Int) {
            var random = Generator(UInt64(m + n + k))
            let x = random.values(m * k), w = random.values(n * k)
            isOne(m * n) { y, threads in
                ck_q8_matmul(x, Int64(k), w, CK_F32, 0, Int64(k), nil, &y, Int64(n), Int64(m), Int64(n), Int64(k), threads)
            }
        }

        /// NaN and infinity are not lost in blocks of integers.
        @Test(arguments: [Float.nan, .infinity]) func whatIsNotFiniteStays(_ bad: Float) {
            var x = [Float](repeating: 1, count: 64)
            x[40] = bad
            var y: [Float] = [0]
            ck_q8_matmul(x, 64, [Float](repeating: 1, count: 64), CK_F32, 0, 64, nil, &y, 1, 1, 1, 64, 1)
            #expect(y[0].isNaN)
        }

        @Test(arguments: [(1, 1, 1, 1), (4, 2, 7, 150), (6, 3, 70, 70)]) func tilesHaveTheSameBits(
            _ heads: Int, _ kv: Int, _ queries: Int, _ keys: Int
        ) {
            var random = Generator(UInt64(heads + queries + keys))
            for width in [1, 17, 80] {
                let q = random.values(heads * queries * width), k = random.values(kv * keys * width), v = random.values(kv * keys * width)
                let mask = ck_mask(past: Int64(keys - queries), window: keys > 100 ? 70 : 0, causal: 1, first: nil)
                isOne(queries * heads * width) { y, threads in
                    q.withUnsafeBufferPointer { q in
                        k.withUnsafeBufferPointer { k in
                            v.withUnsafeBufferPointer { v in
                                func rows(_ base: UnsafePointer<Float>?, _ count: Int) -> ck_heads {
                                    ck_heads(base: base, head_stride: Int64(count * width), token_stride: Int64(width))
                                }
                                ck_flash_attention(
                                    rows(q.baseAddress, queries), rows(k.baseAddress, keys), rows(v.baseAddress, keys), &y, Int64(heads),
                                    Int64(kv), Int64(queries), Int64(keys), Int64(width), 0.3, 0, mask, nil, threads)
                            }
                        }
                    }
                }
            }
        }

        @Test(arguments: [1, 15, 16, 1000, 70000]) func fusedStepsHaveTheBitsOfTheirParts(_ n: Int) {
            var random = Generator(UInt64(n))
            let a = random.values(n), b = random.values(n), w = random.values(n)
            onEachInstructionSet { name in
                for threads: Int32 in [1, 3] {
                    var (act, product, fused) = (a, a, a)
                    ck_map(CK_SILU, a, &act, Int64(n), threads)
                    ck_multiply(act, b, nil, &product, Int64(n), threads)
                    ck_gated(CK_SILU, a, b, &fused, Int64(n), threads)
                    #expect(same(product, fused), "gate, \(name)")
                    ck_add(a, b, nil, &act, Int64(n), threads)
                    ck_rms_norm(act, w, CK_F32, 1e-6, 0, &product, 1, Int64(n), threads)
                    ck_add_rms_norm(a, b, w, CK_F32, 1e-6, 0, nil, &fused, 1, Int64(n), threads)
                    #expect(same(product, fused), "norm, \(name)")
                }
            }
        }
    }
}
