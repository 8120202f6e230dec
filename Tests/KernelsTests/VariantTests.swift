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
                    ck_add(a, b, nil, &act, Int64(n), threads)
                    ck_rms_norm(act, w, CK_F32, 1e-6, 0, &product, 1, Int64(n), threads)
                    ck_add_rms_norm(a, b, w, CK_F32, 1e-6, 0, nil, &fused, 1, Int64(n), threads)
                    #expect(same(product, fused), "norm, \(name)")
                }
            }
        }

        /// Of functions that are chains of smaller ones each part is rounded as well.
        @Test(arguments: [1, 16, 1000, 70000], [(CK_SILU, false), (CK_GELU_TANH, false), (CK_GELU_TANH, true), (CK_GELU_QUICK, true)])
        func gatesHaveTheBitsOfTheirParts(_ n: Int, _ gate: (function: ck_function, isChain: Bool)) {
            var random = Generator(UInt64(n))
            let a = random.values(n), b = random.values(n)
            withBF16 { bf16 in
                for (stored, format) in [(nil, nil), (bf16, bf16), (bf16, nil), (nil, bf16)] {
                    onEachInstructionSet { name in
                        for threads: Int32 in [1, 3] {
                            var (act, product, fused) = (a, a, a)
                            ck_map_rounded(gate.function, a, gate.isChain ? stored : nil, stored, &act, Int64(n), threads)
                            ck_multiply(act, b, format, &product, Int64(n), threads)
                            ck_gated(gate.function, a, b, gate.isChain ? stored : nil, stored, format, &fused, Int64(n), threads)
                            #expect(same(product, fused), "\(name), \(threads) threads, stored \(stored != nil), out \(format != nil)")
                        }
                    }
                }
            }
        }

        /// V lies as a projection leaves it, K as a rotation does.
        @Test(arguments: Attention.table, [false, true]) func attentionInBlocksHasTheBitsOfItsParts(_ a: Attention, poisoned: Bool) {
            var random = Generator(UInt64(a.queries + a.keys))
            let q = random.values(a.heads * a.queries * a.width)
            var k = random.values(a.keyHeads * a.keys * a.width), v = random.values(a.keyHeads * a.keys * a.width)
            if poisoned { (k[a.keys / 2 * a.width], v[v.count - 1], v[a.keys / 3 * a.width]) = (.nan, .nan, .infinity) }
            let first = (0..<a.queries).map { _ in Int32(random.below(a.keys / 2 + 1)) }
            let (H, G, T, S, D) = (Int64(a.heads), Int64(a.keyHeads), Int64(a.queries), Int64(a.keys), Int64(a.width))
            q.withUnsafeBufferPointer { q in
                k.withUnsafeBufferPointer { k in
                    v.withUnsafeBufferPointer { v in
                        first.withUnsafeBufferPointer { first in
                            let queries = ck_heads(base: q.baseAddress, head_stride: D, token_stride: H * D)
                            let keys = ck_heads(base: k.baseAddress, head_stride: S * D, token_stride: D)
                            let values = ck_heads(base: v.baseAddress, head_stride: D, token_stride: G * D)
                            var mask = ck_mask(
                                past: S - T, window: Int64(a.window), causal: a.causal ? 1 : 0, first: a.first ? first.baseAddress : nil)
                            withBF16 { bf16 in
                                for (stored, cap) in [(nil, Float(0)), (bf16, 0), (bf16, 2)] {
                                    onEachInstructionSet { name in
                                        for threads: Int32 in 1...3 {
                                            var scores = [Float](repeating: 7, count: a.heads * a.queries * a.keys), probs = scores
                                            var context = [Float](repeating: 7, count: q.count), whole = context
                                            ck_attention_scores_tile(
                                                queries, keys, &scores, H, G, T, S, D, 0.125, cap, mask, stored, threads)
                                            ck_softmax(scores, stored, &probs, H * T, S, &mask, T, threads)
                                            ck_attention_context_tile(probs, values, stored, &context, H, G, T, S, D, mask, threads)
                                            ck_attention_tile(
                                                queries, keys, values, &whole, H, G, T, S, D, 0.125, cap, mask, stored, stored, stored,
                                                threads)
                                            #expect(same(context, whole), "\(name), \(threads) threads, cap \(cap)")
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }

        private func withBF16(_ body: (UnsafePointer<ck_format>?) -> Void) {
            let bf16 = ck_format(
                mantissa: 7, bias: 127, maximum: 0x1.FEp127, overflow: CK_TO_INFINITY, has_nan: 1, flush: 0, parts_only: 0, hides: 0)
            withUnsafePointer(to: bf16) { body($0) }
        }
    }
}
