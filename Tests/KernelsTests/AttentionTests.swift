import CKernels
import Testing

/// One attention: sizes and mask. `first` hides keys before a random one, row by row.
struct Attention: CustomTestStringConvertible {
    var heads: Int, keyHeads: Int, queries: Int, keys: Int, width: Int
    var causal = true, window = 0, first = false

    var testDescription: String { "\(heads)/\(keyHeads) heads, \(queries)x\(keys)x\(width), window \(window), first \(first)" }

    static let table = [
        Attention(heads: 3, keyHeads: 1, queries: 1, keys: 100, width: 64),
        Attention(heads: 9, keyHeads: 3, queries: 40, keys: 40, width: 64),
        Attention(heads: 2, keyHeads: 2, queries: 33, keys: 50, width: 20),
        Attention(heads: 4, keyHeads: 2, queries: 19, keys: 19, width: 7, causal: false),
        Attention(heads: 2, keyHeads: 1, queries: 60, keys: 60, width: 32, window: 9),
        Attention(heads: 4, keyHeads: 1, queries: 3, keys: 150, width: 16, window: 40, first: true),
        Attention(heads: 1, keyHeads: 1, queries: 50, keys: 50, width: 33, causal: false, first: true),
        Attention(heads: 16, keyHeads: 1, queries: 2, keys: 70, width: 32),
        Attention(heads: 1, keyHeads: 1, queries: 1, keys: 1, width: 1),
        Attention(heads: 2, keyHeads: 1, queries: 40, keys: 1100, width: 40, window: 700),
    ]

    /// Which keys row i sees, from the header's definition.
    func seen(_ i: Int, _ first: [Int32]) -> Range<Int> {
        let past = keys - queries, high = causal ? min(keys, past + i + 1) : keys
        var low = window > 0 ? max(0, past + i + 1 - window) : 0
        if self.first { low = max(low, Int(first[i])) }
        return min(low, high)..<high
    }
}

extension Kernels {
    @Test(
        "scores and context are the sums of what a row sees, in one fma chain or as TDPBF16PS makes them, bit for bit",
        arguments: Attention.table, [false, true])
    func attention(_ a: Attention, tiles: Bool) {
        for poisoned in [false, true] { attention(a, tiles: tiles, poisoned: poisoned) }
    }

    private func attention(_ a: Attention, tiles: Bool, poisoned: Bool) {
        var random = Generator(UInt64(a.queries * 131 + a.keys))
        let q = random.values(a.heads * a.queries * a.width)
        var k = random.values(a.keyHeads * a.keys * a.width)
        // Who does not see the last key, or one in the middle, must not notice.
        if poisoned { (k[k.count - 1], k[a.keys / 2 * a.width]) = (.nan, .infinity) }
        let first = (0..<a.queries).map { _ in Int32(random.below(a.keys / 2 + 1)) }
        var probs = random.values(a.heads * a.queries * a.keys)
        var scores = [Float](repeating: -.infinity, count: probs.count), context = [Float](repeating: 0, count: q.count)
        for h in 0..<a.heads {
            let kv = h / (a.heads / a.keyHeads)
            for i in 0..<a.queries {
                let row = (h * a.queries + i) * a.keys
                for j in 0..<a.keys where !a.seen(i, first).contains(j) { probs[row + j] = .nan }
                let seen = a.seen(i, first), query = Array(q[(i * a.heads + h) * a.width..<(i * a.heads + h + 1) * a.width])
                let keys = (0..<a.keys).map { Array(k[(kv * a.keys + $0) * a.width..<(kv * a.keys + $0 + 1) * a.width]) }
                for j in seen { scores[row + j] = 0.125 * (tiles ? Product.tiles(query, keys[j]) : chain(query, keys[j])) }
                for d in 0..<a.width {
                    let (p, v) = (Array(probs[row..<row + a.keys]), keys.map { $0[d] })
                    context[(i * a.heads + h) * a.width + d] =
                        tiles ? Product.tiles(p, v, seen: seen) : chain(Array(p[seen]), Array(v[seen]))
                }
            }
        }
        run(a, q, k, probs, first, tiles: tiles) { name, gotScores, gotContext in
            #expect(same(gotScores, scores), "scores, \(name)")
            #expect(same(gotContext, context), "context, \(name)")
        }
    }

    private func chain(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0.addingProduct($1.0, $1.1) } }

    private func run(
        _ a: Attention, _ q: [Float], _ k: [Float], _ probs: [Float], _ first: [Int32], tiles: Bool,
        _ check: (String, [Float], [Float]) -> Void
    ) {
        q.withUnsafeBufferPointer { q in
            k.withUnsafeBufferPointer { k in
                first.withUnsafeBufferPointer { first in
                    let width = Int64(a.width), keys = Int64(a.keys), queries = Int64(a.queries)
                    let queryHeads = ck_heads(base: q.baseAddress, head_stride: width, token_stride: Int64(a.heads) * width)
                    let keyHeads = ck_heads(base: k.baseAddress, head_stride: keys * width, token_stride: width)
                    let mask = ck_mask(
                        past: keys - queries, window: Int64(a.window), causal: a.causal ? 1 : 0, first: a.first ? first.baseAddress : nil)
                    onEachInstructionSet { name in
                        for threads in 1...3 as ClosedRange<Int32> {
                            var scores = [Float](repeating: 7, count: probs.count), context = [Float](repeating: 7, count: q.count)
                            (tiles ? ck_attention_scores_tile : ck_attention_scores_rounded)(
                                queryHeads, keyHeads, &scores, Int64(a.heads), Int64(a.keyHeads), queries, keys, width, 0.125, 0, mask, nil,
                                threads)
                            (tiles ? ck_attention_context_tile : ck_attention_context)(
                                probs, keyHeads, nil, &context, Int64(a.heads), Int64(a.keyHeads), queries, keys, width, mask, threads)
                            check("\(name), \(threads) threads", scores, context)
                        }
                    }
                }
            }
        }
    }

    @Test("scores are capped after the scale")
    func softcap() {
        var random = Generator(3)
        let q = random.values(8), k = random.values(40)
        q.withUnsafeBufferPointer { q in
            k.withUnsafeBufferPointer { k in
                var scores = [Float](repeating: 0, count: 5)
                ck_attention_scores(
                    ck_heads(base: q.baseAddress, head_stride: 8, token_stride: 8),
                    ck_heads(base: k.baseAddress, head_stride: 40, token_stride: 8), &scores, 1, 1, 1, 5, 8, 3, 2,
                    ck_mask(past: 0, window: 0, causal: 0, first: nil), 1)
                for j in 0..<5 {
                    var sum: Float = 0
                    for d in 0..<8 { sum.addProduct(q[d], k[j * 8 + d]) }
                    #expect(ulps(scores[j], 2 * hyperbolicTangent(Double(sum * 3 / 2))) < 4)
                }
            }
        }
    }

    @Test("rotary positions turn pairs with two roundings a product", arguments: [false, true])
    func rope(interleaved: Bool) {
        var random = Generator(4)
        let x = random.values(2 * 3 * 10), cos = random.values(3 * 4), sin = random.values(3 * 4)
        var expected = [Float](repeating: 0, count: 60)
        for h in 0..<2 {
            for t in 0..<3 {
                for d in 8..<10 { expected[(h * 3 + t) * 10 + d] = x[(t * 2 + h) * 10 + d] }
                for p in 0..<4 {
                    let i = interleaved ? 2 * p : p, j = interleaved ? i + 1 : p + 4, from = (t * 2 + h) * 10, to = (h * 3 + t) * 10
                    expected[to + i] = x[from + i] * cos[t * 4 + p] - x[from + j] * sin[t * 4 + p]
                    expected[to + j] = x[from + j] * cos[t * 4 + p] + x[from + i] * sin[t * 4 + p]
                }
            }
        }
        onEachInstructionSet { name in
            var y = [Float](repeating: 7, count: 60)
            x.withUnsafeBufferPointer { x in
                let heads = ck_heads(base: x.baseAddress, head_stride: 10, token_stride: 20)
                ck_rope(heads, cos, sin, &y, 2, 3, 10, 8, interleaved ? 1 : 0, 2)
            }
            #expect(same(y, expected), "\(name)")
        }
    }
}
