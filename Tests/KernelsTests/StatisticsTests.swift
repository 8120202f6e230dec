import CKernels
import Testing

/// What the values of a statistics test look like.
enum Values: CaseIterable {
    case uniform, anyBits, zeros, masked, halfMasked, subnormal, oneNaN, rectified, infinite, growing

    func make(_ n: Int) -> [Float] {
        var random = Generator(UInt64(n) + 77)
        return (0..<n).map { i in
            let value = random.value(), bits = random.bits()
            switch self {
            case .uniform: return value
            case .anyBits: return Float(bitPattern: bits)
            case .zeros: return bits % 1000 == 0 && n % 2 == 1 ? -0.0 : 0
            case .masked: return -.infinity
            case .halfMasked: return i % 512 > 200 ? -.infinity : value
            case .subnormal: return bits % 2 == 0 ? 0x1p-140 : -0.0
            case .oneNaN: return i == n / 2 ? .nan : value
            case .rectified: return max(value, 0)
            case .infinite: return bits % 3 == 0 ? .infinity : value * 1e30
            case .growing: return value * Float(sign: .plus, exponent: i / 4096 * 37 % 200 - 100, significand: 1)
            }
        }
    }
}

extension Kernels {
    @Test("statistics are what a plain loop counts, on every instruction set", arguments: Values.allCases, [1, 17, 4096, 4101, 40_001])
    func statistics(values: Values, n: Int) {
        let x = values.make(n)
        var sum = 0.0, squares = 0.0, buckets = [UInt32](repeating: 0, count: 512), low = 0, high = 0
        for value in x {
            buckets[Int(value.bitPattern >> 23)] += 1
            if value.isFinite { (sum, squares) = (sum + Double(value), squares + Double(value) * Double(value)) }
            low += value == -.infinity ? 1 : 0
            high += value == .infinity ? 1 : 0
        }
        let finite = x.filter(\.isFinite), least = finite.min(), most = finite.max()
        var first: ck_statistics_t?
        onEachInstructionSet { name in
            for threads in 1...3 as ClosedRange<Int32> {
                var s = ck_statistics_t()
                ck_statistics(x, Int64(n), &s, threads)
                #expect(s.count == n && s.zeros == x.count { $0 == 0 } && s.nan == x.count(where: \.isNaN))
                #expect(s.neginf == low && s.posinf == high && s.subnormals == x.count(where: \.isSubnormal))
                #expect(s.min == least ?? 0 && s.max == most ?? 0 && s.absmax == finite.map(abs).max() ?? 0)
                #expect(s.min_at == least.flatMap { x.firstIndex(of: $0) } ?? -1 && s.max_at == most.flatMap { x.firstIndex(of: $0) } ?? -1)
                #expect(abs(s.sum - sum) <= 1e-12 * Double(n) * (s.sum_squares.squareRoot() + 1e-300))
                #expect(abs(s.sum_squares - squares) <= 1e-12 * squares)
                #expect(withUnsafeBytes(of: s.buckets) { Array($0.bindMemory(to: UInt32.self)) } == buckets, "\(name)")
                #expect(s.hash == ck_hash(x, n * 4, threads))
                let before = first ?? s
                #expect(s.hash == before.hash && s.sum.bitPattern == before.sum.bitPattern, "\(name), \(threads) threads")
                #expect(s.sum_squares.bitPattern == before.sum_squares.bitPattern, "\(name), \(threads) threads")
                first = s
            }
        }
    }

    @Test("more values than a worker counts in one go")
    func manyValues() {
        let x = (0..<1_200_001).map { $0 % 3 == 2 ? Float(-2) : 1 }
        onEachInstructionSet { name in
            var s = ck_statistics_t()
            ck_statistics(x, Int64(x.count), &s, 1)
            let buckets = withUnsafeBytes(of: s.buckets) { Array($0.bindMemory(to: UInt32.self)) }
            #expect(buckets[127] == 800_001 && buckets[256 + 128] == 400_000, "\(name)")
            #expect(buckets.reduce(0, +) == 1_200_001 && s.sum == 1, "\(name)")
        }
    }

    @Test("no values have statistics too")
    func noStatistics() {
        var s = ck_statistics_t()
        ck_statistics([1], 0, &s, 2)
        #expect(s.count == 0 && s.min_at == -1 && s.max_at == -1 && s.sum == 0)
    }

    @Test("one changed bit, one byte more, two parts swapped: another hash")
    func hash() {
        var random = Generator(1)
        var bytes = (0..<100_000).map { _ in UInt8(truncatingIfNeeded: random.bits()) }
        var seen: Set<UInt64> = []
        for count in [0, 1, 2, 63, 64, 65, 127, 128, 16_384, 16_385, 32_768, 100_000] { seen.insert(ck_hash(bytes, count, 2)) }
        for place in [0, 7, 8, 500, 16_383, 16_384, 70_000, 99_999] {
            bytes[place] ^= 1
            seen.insert(ck_hash(bytes, bytes.count, 1))
            bytes[place] ^= 1
        }
        let swapped = Array(bytes[16_384..<32_768] + bytes[0..<16_384] + bytes[32_768...])
        seen.insert(ck_hash(swapped, swapped.count, 2))
        let near = Array(bytes[128..<256] + bytes[0..<128] + bytes[256...])
        seen.insert(ck_hash(near, near.count, 2))
        #expect(seen.count == 12 + 8 + 2)
        onEachInstructionSet { _ in #expect(seen.contains(ck_hash(bytes, bytes.count, 3))) }
    }

    @Test("a heat map's bin has its part's largest magnitude and its kinds", arguments: [(5, 9), (40, 3), (1, 1), (13, 13)])
    func pool(rows: Int, columns: Int) {
        var random = Generator(2)
        let height = 13, width = 700
        var x = random.values(height * width)
        (x[3], x[900], x[5000]) = (.nan, .infinity, -.infinity)
        onEachInstructionSet { name in
            for byColumns in [false, true] {
                var values = [Float](repeating: 7, count: rows * columns), flags = [UInt8](repeating: 9, count: rows * columns)
                let (h, w) = byColumns ? (width, height) : (height, width)
                ck_pool(
                    x, CK_F32, byColumns ? 1 : Int64(width), byColumns ? Int64(width) : 1, Int64(h), Int64(w), &values, &flags, Int64(rows),
                    Int64(columns), 2)
                for r in 0..<rows {
                    for c in 0..<columns {
                        let down = r * h / rows, across = c * w / columns
                        var best: Float = 0, flag: UInt8 = 0
                        for i in down..<max(down + 1, (r + 1) * h / rows) {
                            for j in across..<max(across + 1, (c + 1) * w / columns) {
                                let value = byColumns ? x[j * width + i] : x[i * width + j]
                                flag |= value.isNaN ? 1 : value == .infinity ? 2 : value == -.infinity ? 4 : 8
                                if value.isFinite && abs(value) > abs(best) { best = value }
                            }
                        }
                        #expect(values[r * columns + c] == best && flags[r * columns + c] == flag, "\(name), bin \(r), \(c)")
                    }
                }
            }
        }
    }

    @Test("a histogram counts what lies in its range")
    func histogram() {
        var random = Generator(6)
        let x = random.values(70_000) + [.nan, .infinity, -.infinity, 1, -1]
        var expected = [UInt32](repeating: 0, count: 8)
        for value in x where value >= -1 && value < 1 { expected[Int((Double(value) + 1) * 4)] += 1 }
        onEachInstructionSet { name in
            var counts = [UInt32](repeating: 9, count: 8)
            ck_histogram(x, Int64(x.count), -1, 1, &counts, 8, 3)
            #expect(counts == expected, "\(name)")
        }
    }
}
