import CKernels
import Testing

/// c = aᵀ b: rows that are summed, and the columns of each side.
struct RowProduct: CustomTestStringConvertible {
    var rows: Int, left: Int, right: Int

    var testDescription: String { "\(rows) rows, \(left)x\(right)" }

    static let table = [
        (1, 1, 1), (3, 5, 40), (16, 16, 16), (17, 14, 33), (40, 13, 7), (33, 70, 129), (64, 230, 20), (513, 15, 31), (600, 40, 140),
        (1100, 3, 2), (20, 500, 300),
    ].map { RowProduct(rows: $0.0, left: $0.1, right: $0.2) }
}

extension Kernels {
    @Test("a weight's gradient is one fma chain over the rows, bit for bit", arguments: RowProduct.table)
    func weightGradient(_ product: RowProduct) {
        var random = Generator(UInt64(product.rows * 977 + product.left * 31 + product.right))
        let (m, rows, columns) = (product.rows, product.left, product.right)
        let (lda, ldb, ldc) = (rows + 2, columns + 1, columns + 3)
        let a = random.values(m * lda), b = random.values(m * ldb)
        var expected = [Float](repeating: 7, count: rows * ldc)
        for i in 0..<rows {
            for j in 0..<columns {
                var sum: Float = 0
                for r in 0..<m { sum.addProduct(a[r * lda + i], b[r * ldb + j]) }
                expected[i * ldc + j] = sum
            }
        }
        onEachInstructionSet { name in
            for threads in 1...3 as ClosedRange<Int32> {
                var c = [Float](repeating: 7, count: rows * ldc)
                ck_weight_gradient(
                    a, Int64(lda), b, Int64(ldb), &c, Int64(ldc), Int64(m), Int64(rows), Int64(columns), threads)
                #expect(same(c, expected), "\(name), \(threads) threads")
            }
        }
    }

    @Test("without rows a weight's gradient and a bias's are 0")
    func emptyWeightGradient() {
        var c: [Float] = [7, 7, 7, 7]
        ck_weight_gradient([0], 2, [0], 2, &c, 2, 0, 2, 2, 2)
        #expect(c == [0, 0, 0, 0])
        c = [7, 7, 7, 7]
        ck_column_sums([0], 4, &c, 0, 3, 2)
        #expect(c == [0, 0, 0, 7])
    }

    @Test("column sums are fp64 sums over the rows, rounded once", arguments: [(1, 1), (7, 15), (40, 64), (300, 131), (5, 20_000)])
    func columnSums(rows: Int, n: Int) {
        var random = Generator(UInt64(rows + n))
        let x = random.values(rows * (n + 1))
        let expected = (0..<n).map { j in Float((0..<rows).reduce(0.0) { $0 + Double(x[$1 * (n + 1) + j]) }) }
        onEachInstructionSet { name in
            for threads in 1...3 as ClosedRange<Int32> {
                var y = [Float](repeating: 7, count: n)
                ck_column_sums(x, Int64(n + 1), &y, Int64(rows), Int64(n), threads)
                #expect(same(y, expected), "\(name), \(threads) threads")
            }
        }
    }

    @Test("dQ, dK and dV are one fma chain over what is seen, bit for bit", arguments: Attention.table + larger)
    func attentionGradients(_ a: Attention) {
        var random = Generator(UInt64(a.queries * 17 + a.keys))
        let first = (0..<a.queries).map { _ in Int32(random.below(a.keys / 2 + 1)) }
        let x = random.values(a.heads * a.queries * a.width), k = random.values(a.keyHeads * a.keys * a.width)
        var p = random.values(a.heads * a.queries * a.keys)
        for h in 0..<a.heads {
            for i in 0..<a.queries {
                let seen = a.seen(i, first)
                for j in 0..<a.keys where !seen.contains(j) { p[(h * a.queries + i) * a.keys + j] = 0 }
            }
        }
        let expected = attentionSums(a, p, x, k, first)
        x.withUnsafeBufferPointer { x in
            k.withUnsafeBufferPointer { k in
                first.withUnsafeBufferPointer { first in
                    let rows = ck_heads(base: x.baseAddress, head_stride: Int64(a.width), token_stride: Int64(a.heads * a.width))
                    let keys = ck_heads(base: k.baseAddress, head_stride: Int64(a.keys * a.width), token_stride: Int64(a.width))
                    let mask = ck_mask(
                        past: Int64(a.keys - a.queries), window: Int64(a.window), causal: a.causal ? 1 : 0,
                        first: a.first ? first.baseAddress : nil)
                    onEachInstructionSet { name in
                        for threads in 1...3 as ClosedRange<Int32> {
                            var byQuery = [Float](repeating: 7, count: x.count), byKey = [Float](repeating: 7, count: k.count)
                            ck_attention_queries_gradient(
                                p, keys, &byQuery, Int64(a.heads), Int64(a.keyHeads), Int64(a.queries), Int64(a.keys), Int64(a.width), 0.3,
                                mask, threads)
                            ck_attention_keys_gradient(
                                p, rows, &byKey, Int64(a.heads), Int64(a.keyHeads), Int64(a.queries), Int64(a.keys), Int64(a.width), 0.3,
                                mask, threads)
                            #expect(same(byQuery, expected.byQuery), "over keys, \(name), \(threads) threads")
                            #expect(same(byKey, expected.byKey), "over queries, \(name), \(threads) threads")
                        }
                    }
                }
            }
        }
    }

    /// More keys than a block of them, more queries than a depth.
    static let larger = [
        Attention(heads: 2, keyHeads: 1, queries: 150, keys: 200, width: 8),
        Attention(heads: 2, keyHeads: 2, queries: 150, keys: 150, width: 8, window: 30),
        Attention(heads: 1, keyHeads: 1, queries: 530, keys: 70, width: 4, causal: false),
    ]

    private func attentionSums(
        _ a: Attention, _ p: [Float], _ x: [Float], _ k: [Float], _ first: [Int32]
    ) -> (byQuery: [Float], byKey: [Float]) {
        var byQuery = [Float](repeating: 0, count: x.count), byKey = [Float](repeating: 0, count: k.count)
        for h in 0..<a.heads {
            let kv = h / (a.heads / a.keyHeads)
            for i in 0..<a.queries {
                for j in a.seen(i, first) {
                    let weight = p[(h * a.queries + i) * a.keys + j]
                    for d in 0..<a.width {
                        let key = (kv * a.keys + j) * a.width + d
                        byQuery[(h * a.queries + i) * a.width + d].addProduct(weight, k[key])
                        byKey[key].addProduct(weight, x[(i * a.heads + h) * a.width + d])
                    }
                }
            }
        }
        return (byQuery.map { $0 * 0.3 }, byKey.map { $0 * 0.3 })
    }

    @Test("what nobody sees is not read: NaN there changes nothing")
    func unseenKeys() {
        var random = Generator(21)
        let count = 130, width = 8
        var p = random.values(count * count)
        for i in 0..<count { for j in i + 1..<max(count, i + 1) { p[i * count + j] = j / 64 > i / 64 ? .nan : 0 } }
        let x = random.values(count * width)
        x.withUnsafeBufferPointer { x in
            let rows = ck_heads(base: x.baseAddress, head_stride: 0, token_stride: Int64(width))
            let mask = ck_mask(past: 0, window: 0, causal: 1, first: nil)
            onEachInstructionSet { name in
                var y = [Float](repeating: 7, count: count * width)
                ck_attention_keys_gradient(p, rows, &y, 1, 1, 130, 130, 8, 1, mask, 2)
                #expect(y.allSatisfy { $0.isFinite }, "\(name)")
                ck_attention_queries_gradient(p, rows, &y, 1, 1, 130, 130, 8, 1, mask, 2)
                #expect(y.allSatisfy { $0.isFinite }, "\(name)")
            }
        }
    }
}
