import CKernels
import Testing

extension Kernels {
    @Test("several values are added from left to right in one pass", arguments: [1, 2, 5])
    func sums(count: Int) {
        var random = Generator(UInt64(count) + 40)
        let terms = (0..<count).map { _ in random.values(70_003) }
        let expected = terms.dropFirst().reduce(terms[0]) { zip($0, $1).map(+) }
        let pointers = terms.map { term in
            let copy = UnsafeMutablePointer<Float>.allocate(capacity: term.count)
            copy.initialize(from: term, count: term.count)
            return copy
        }
        defer { pointers.forEach { $0.deallocate() } }
        onEachInstructionSet { name in
            for threads in 1...2 as ClosedRange<Int32> {
                var y = [Float](repeating: 7, count: 70_003)
                ck_sum(pointers.map { UnsafePointer($0) }, Int64(count), &y, 70_003, threads)
                #expect(same(y, expected), "\(name), \(threads) threads")
            }
        }
    }

    @Test("rows are added to a table token by token, onto 0 or another table; foreign ids add nothing", arguments: [false, true])
    func gatherGradient(onto: Bool) {
        var random = Generator(41)
        let vocabulary = 70, n = 19, ids = (0..<200).map { _ in Int32(random.below(80) - 5) }
        let dy = random.values(ids.count * n), initial = random.values(vocabulary * n)
        var expected = onto ? initial : [Float](repeating: 0, count: vocabulary * n)
        for (row, id) in ids.enumerated() where id >= 0 && Int(id) < vocabulary {
            for i in 0..<n { expected[Int(id) * n + i] += dy[row * n + i] }
        }
        onEachInstructionSet { name in
            for threads in 1...3 as ClosedRange<Int32> {
                var table = onto ? initial : [Float](repeating: 7, count: vocabulary * n)
                initial.withUnsafeBufferPointer {
                    ck_gather_gradient(
                        dy, ids, onto ? $0.baseAddress : nil, nil, &table, Int64(vocabulary), Int64(ids.count), Int64(n), threads)
                }
                #expect(same(table, expected), "\(name), \(threads) threads")
            }
        }
    }

    @Test("heads lie side by side again; what lies between them stays")
    func joinHeads() {
        var random = Generator(42)
        let (heads, tokens, width, features) = (3, 50, 5, 20)
        let x = random.values(heads * tokens * width)
        var expected = [Float](repeating: 7, count: tokens * features)
        for h in 0..<heads {
            for t in 0..<tokens {
                for d in 0..<width { expected[t * features + 2 + h * width + d] = x[(h * tokens + t) * width + d] }
            }
        }
        var y = [Float](repeating: 7, count: tokens * features)
        x.withUnsafeBufferPointer { x in
            y.withUnsafeMutableBufferPointer { y in
                guard let out = y.baseAddress else { return }
                let view = ck_heads(base: x.baseAddress, head_stride: Int64(tokens * width), token_stride: Int64(width))
                ck_join_heads(view, out + 2, Int64(width), Int64(features), Int64(heads), Int64(tokens), Int64(width), 2)
            }
        }
        #expect(same(y, expected))
    }

    @Test("the gradient of rotary positions turns by the negative angle", arguments: [false, true])
    func ropeGradient(interleaved: Bool) {
        var random = Generator(43)
        let x = random.values(2 * 5 * 12), cos = random.values(5 * 4), sin = random.values(5 * 4), back = sin.map { -$0 }
        onEachInstructionSet { name in
            var expected = [Float](repeating: 7, count: x.count), y = expected
            x.withUnsafeBufferPointer { x in
                let heads = ck_heads(base: x.baseAddress, head_stride: 12, token_stride: 24)
                ck_rope(heads, cos, back, &expected, 2, 5, 12, 8, interleaved ? 1 : 0, 2)
                ck_rope_gradient(heads, cos, sin, nil, &y, 2, 5, 12, 8, interleaved ? 1 : 0, 2)
            }
            #expect(same(y, expected), "\(name)")
        }
    }
}
