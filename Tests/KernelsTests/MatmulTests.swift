import CKernels
import Testing

/// One product: sizes, the format of the weights, how they lie, the bias's format.
struct Product: CustomTestStringConvertible {
    var m: Int, n: Int, k: Int
    var type = CK_F32, transposed = false, bias: ck_type? = nil

    var testDescription: String { "\(m)x\(n)x\(k) type \(type.rawValue) \(transposed ? "[k][n]" : "[n][k]")" }

    static let table: [Product] = {
        var list: [Product] = []
        let shapes = [
            (1, 1, 1), (1, 33, 17), (1, 64, 48), (2, 100, 31), (3, 31, 64), (4, 300, 65), (5, 40, 70), (7, 16, 16), (9, 33, 33),
            (12, 65, 20), (13, 32, 40), (14, 64, 30), (15, 47, 29), (29, 70, 12), (131, 33, 9), (2, 40, 801), (17, 33, 800),
            (30, 150, 1024), (20, 70, 8448),
        ]
        for (index, shape) in shapes.enumerated() {
            for transposed in [false, true] {
                let types = [CK_F32, CK_BF16, CK_F16, CK_F64, CK_F8_E4M3, CK_F8_E5M2]
                for type in [types[index % 3], types[index % 6]] {
                    list.append(
                        Product(
                            m: shape.0, n: shape.1, k: shape.2, type: type, transposed: transposed,
                            bias: [nil, CK_F32, CK_BF16][index % 3]))
                }
            }
        }
        return list
    }()

    /// y as one chain of fused multiply-adds, and y as the kernel has it. Rows lie further apart than they are long.
    func run(threads: [Int32] = [1, 2, 3]) -> Bool {
        var random = Generator(UInt64(m * 7919 + n * 31 + k))
        let ldx = k % 256 == 0 ? k : k + 3, width = transposed ? n : k, ldw = width + 1, ldy = n + 2
        let x = random.values(m * ldx), w = Elements(type, random.values((transposed ? k : n) * ldw))
        let b = Elements(bias ?? CK_F32, random.values(n))
        var expected = [Float](repeating: 7, count: m * ldy)
        for i in 0..<m {
            for j in 0..<n {
                var sum: Float = 0
                for p in 0..<k { sum.addProduct(x[i * ldx + p], w.values[transposed ? p * ldw + j : j * ldw + p]) }
                expected[i * ldy + j] = bias == nil ? sum : sum + b.values[j]
            }
        }
        var good = true
        onEachInstructionSet { _ in
            for count in threads {
                var y = [Float](repeating: 7, count: m * ldy)
                w.withPointer { w in
                    b.withPointer { b in
                        ck_matmul(
                            x, Int64(ldx), w, type, transposed ? 1 : 0, Int64(ldw), bias == nil ? nil : b, bias ?? CK_F32, &y,
                            Int64(ldy), Int64(m), Int64(n), Int64(k), count)
                    }
                }
                good = good && same(y, expected)
            }
        }
        return good
    }
}

extension Kernels {
    @Test("a product is one fma chain, bit for bit, on every instruction set and any number of threads", arguments: Product.table)
    func product(_ product: Product) { #expect(product.run()) }

    @Test("one token decoded has the bits of its row in the whole prompt", arguments: [CK_F32, CK_BF16, CK_F16])
    func decoding(type: ck_type) {
        var random = Generator(5)
        let m = 40, n = 200, k = 150, x = random.values(m * k), w = Elements(type, random.values(n * k))
        onEachInstructionSet { name in
            var all = [Float](repeating: 0, count: m * n), one = [Float](repeating: 0, count: n)
            w.withPointer { w in
                ck_matmul(x, 150, w, type, 0, 150, nil, CK_F32, &all, 200, 40, 200, 150, 2)
                Array(x[17 * k..<18 * k]).withUnsafeBufferPointer { x in
                    ck_matmul(x.baseAddress, 150, w, type, 0, 150, nil, CK_F32, &one, 200, 1, 200, 150, 2)
                }
            }
            #expect(same(one, Array(all[17 * n..<18 * n])), "\(name)")
        }
    }

    @Test("nothing to sum gives the bias, nothing to write touches nothing")
    func emptyProducts() {
        var y: [Float] = [7, 7, 7]
        let bias: [Float] = [1, 2, 3], x: [Float] = [0]
        ck_matmul(x, 1, x, CK_F32, 0, 1, bias, CK_F32, &y, 3, 1, 3, 0, 2)
        #expect(y == [1, 2, 3])
        ck_matmul(x, 1, x, CK_F32, 0, 1, nil, CK_F32, &y, 3, 1, 3, 0, 2)
        #expect(y == [0, 0, 0])
        y = [7, 7, 7]
        ck_matmul(x, 1, x, CK_F32, 0, 1, bias, CK_F32, &y, 3, 0, 3, 1, 2)
        ck_matmul(x, 1, x, CK_F32, 0, 1, bias, CK_F32, &y, 3, 1, 0, 1, 2)
        #expect(y == [7, 7, 7])
    }
}
