import CKernels
import Testing

/// A matrix in NF4's codes with arbitrary scales, and its elements from their definition, one by one.
struct CodedMatrix {
    static let levels: [Float] = [
        -1, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.091050036, 0, 0.0795803, 0.1609302, 0.2461123, 0.33791524,
        0.44070983, 0.562617, 0.72295684, 1,
    ]

    let codes: [UInt8], scales: [UInt8], tops: [Float], steps: [Float], values: [Float]
    let mean: Float = 0.37

    init(_ count: Int, _ random: inout Generator) {
        let blocks = (count + 63) / 64
        codes = (0..<(count + 1) / 2).map { _ in UInt8(truncatingIfNeeded: random.bits()) }
        scales = (0..<blocks).map { _ in UInt8(truncatingIfNeeded: random.bits()) }
        tops = random.values((blocks + 255) / 256)
        steps = random.values(256)
        let (codes, scales, tops, steps, mean) = (codes, scales, tops, steps, mean)
        values = (0..<count).map { i in
            let block = i / 64
            let scale = steps[Int(scales[block])] * tops[block / 256] + mean
            return CodedMatrix.levels[Int(codes[i / 2] >> UInt8(i % 2 * 4) & 15)] * scale
        }
    }

    func withView(first: Int, _ body: (UnsafeRawPointer) -> Void) {
        codes.withUnsafeBufferPointer { codes in
            scales.withUnsafeBufferPointer { scales in
                tops.withUnsafeBufferPointer { tops in
                    steps.withUnsafeBufferPointer { steps in
                        CodedMatrix.levels.withUnsafeBufferPointer { levels in
                            let view = ck_nf4(
                                codes: codes.baseAddress, scales: scales.baseAddress, tops: tops.baseAddress,
                                levels: levels.baseAddress, steps: steps.baseAddress, mean: mean, first: Int64(first))
                            withUnsafePointer(to: view) { body(UnsafeRawPointer($0)) }
                        }
                    }
                }
            }
        }
    }
}

extension Kernels {
    /// Shapes: few rows and many, widths within a block and over several, over the depth that is packed at a time, and 256 blocks and more.
    @Test(
        "a product of four-bit codes has the bits of the same product in fp32", arguments: Product.table.filter { $0.type == CK_F32 },
        [0, 5, 64])
    func productOfCodes(_ product: Product, first: Int) {
        let (m, n, k) = (product.m, product.n, product.k)
        var random = Generator(UInt64(m * 7919 + n * 31 + k + first))
        let width = product.transposed ? n : k, ldw = width + (k % 3), lines = product.transposed ? k : n
        let w = CodedMatrix(first + lines * ldw, &random), x = random.values(m * k), bias = random.values(n)
        let whole = Array(w.values[first...])
        onEachInstructionSet { name in
            var expected = [Float](repeating: 0, count: m * n)
            ck_matmul(
                x, Int64(k), whole, CK_F32, product.transposed ? 1 : 0, Int64(ldw), bias, CK_F32, &expected, Int64(n), Int64(m), Int64(n),
                Int64(k), 1)
            for threads in [1, 2] as [Int32] {
                var y = [Float](repeating: 7, count: m * n)
                w.withView(first: first) {
                    ck_matmul(
                        x, Int64(k), $0, CK_NF4, product.transposed ? 1 : 0, Int64(ldw), bias, CK_F32, &y, Int64(n), Int64(m), Int64(n),
                        Int64(k), threads)
                }
                #expect(same(y, expected), "\(name) \(threads)")
            }
        }
    }

    @Test(
        "codes are read as their definition says, wherever a view begins", arguments: [(1, 0), (63, 1), (200, 7), (70000, 16), (70000, 33)])
    func readingCodes(_ count: Int, first: Int) {
        var random = Generator(UInt64(count))
        let w = CodedMatrix(first + count, &random)
        onEachInstructionSet { name in
            for threads in [1, 2] as [Int32] {
                var y = [Float](repeating: 7, count: count + 1)
                w.withView(first: first) { ck_upcast($0, CK_NF4, &y, Int64(count), threads) }
                #expect(same(y, Array(w.values[first...]) + [7]), "\(name)")
            }
        }
    }

    @Test("bins of codes are those of the numbers", arguments: [(1, 40), (40, 1)])
    func poolingCodes(_ strides: (Int, Int)) {
        var random = Generator(9)
        let w = CodedMatrix(1600, &random)
        var (values, flags) = ([Float](repeating: 0, count: 30), [UInt8](repeating: 0, count: 30))
        var (expected, kinds) = (values, flags)
        ck_pool(w.values, CK_F32, Int64(strides.0), Int64(strides.1), 40, 40, &expected, &kinds, 5, 6, 2)
        w.withView(first: 0) { ck_pool($0, CK_NF4, Int64(strides.0), Int64(strides.1), 40, 40, &values, &flags, 5, 6, 2) }
        #expect(same(values, expected) && flags == kinds)
    }

    @Test(
        "four-bit codes are the nearest levels of each block, from every format", arguments: [CK_F32, CK_BF16, CK_F16], [1, 63, 130, 70001])
    func encoding(type: ck_type, count: Int) {
        var random = Generator(UInt64(count))
        let x = Elements(type, random.values(count)), blocks = (count + 63) / 64
        var (expected, tops) = ([UInt8](repeating: 0, count: count), [Float](repeating: 0, count: blocks))
        ck_quantise_blocks(x.values, Int64(count), 64, CodedMatrix.levels, 16, &expected, &tops, 1)
        // Of each block the largest magnitude, and no level nearer than the one that was taken.
        for i in 0..<count {
            let top = x.values[i / 64 * 64..<min(count, i / 64 * 64 + 64)].map(abs).max() ?? 0
            let part = x.values[i] / top
            let away = CodedMatrix.levels.map { abs($0 - part) }
            #expect(tops[i / 64] == top && away[Int(expected[i])] == away.min())
        }
        onEachInstructionSet { name in
            for threads in [1, 2] as [Int32] {
                var (codes, absmax) = ([UInt8](repeating: 255, count: (count + 1) / 2), [Float](repeating: 0, count: blocks))
                x.withPointer { ck_encode_nf4($0, type, Int64(count), CodedMatrix.levels, &codes, &absmax, threads) }
                #expect(absmax == tops && (0..<count).allSatisfy { codes[$0 / 2] >> UInt8($0 % 2 * 4) & 15 == expected[$0] }, "\(name)")
                #expect(count % 2 == 0 || codes[count / 2] >> 4 == 0)
            }
        }
    }
}
