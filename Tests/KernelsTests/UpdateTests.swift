import CKernels
import Testing

/// What training does to weights and averages, against one element at a time.
struct Updating: CustomTestStringConvertible, Sendable {
    let name: String
    let run: @Sendable (_ a: [Float], _ b: [Float], _ y: inout [Float], _ threads: Int32) -> Void
    let element: @Sendable (_ a: Float, _ b: Float) -> Float

    var testDescription: String { name }

    static let table = [
        Updating(name: "add scaled") {
            ck_add_scaled($0, $1, 0.3, &$2, Int64($0.count), $3)
        } element: {
            $0 + 0.3 * $1
        },
        Updating(name: "add product") {
            ck_add_product($0, $1, 0.3, &$2, Int64($0.count), $3)
        } element: {
            $0.addingProduct(0.3, $1)
        },
        Updating(name: "average that stays") {
            ck_lerp($0, $1, 0.1, &$2, Int64($0.count), $3)
        } element: {
            $0.addingProduct(0.1, $1 - $0)
        },
        Updating(name: "average that goes") {
            ck_lerp($0, $1, 0.7, &$2, Int64($0.count), $3)
        } element: {
            $1.addingProduct(0.7 - 1, $1 - $0)
        },
        Updating(name: "average of squares") {
            ck_average_squares($0, $1, 0.95, 0.05, &$2, Int64($0.count), $3)
        } element: {
            (0.95 * $0).addingProduct(0.05 * $1, $1)
        },
        Updating(name: "update") {
            ck_adam_update($0, $1, 0.01, 0.7, 1e-8, &$2, Int64($0.count), $3)
        } element: {
            -0.01 * $0 / ($1.squareRoot() / 0.7 + 1e-8)
        },
        Updating(name: "dropout") { a, _, y, threads in
            ck_dropout(a, 77, 1 << 30, 4 / 3, &y, Int64(a.count), threads)
        } element: { a, place in
            var z = UInt64(77) &+ (UInt64(place) + 1) &* 0x9E37_79B9_7F4A_7C15
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return UInt32((z ^ (z >> 31)) >> 32) < 1 << 30 ? 0 : a * (4 / 3)
        },
    ]
}

extension Kernels {
    @Test(
        "updates have the bits of their definition, on every instruction set and any number of threads", arguments: Updating.table,
        [1, 15, 16, 1000, 70003])
    func updates(_ updating: Updating, count: Int) {
        var random = Generator(UInt64(count))
        // Dropout draws by place; the root takes no negative number.
        let a = random.values(count)
        let b = updating.name == "dropout" ? (0..<count).map { Float($0) } : random.values(count).map(abs)
        let expected = zip(a, b).map(updating.element)
        onEachInstructionSet { name in
            for threads in [1, 2] as [Int32] {
                var y = [Float](repeating: 7, count: count + 1)
                updating.run(a, b, &y, threads)
                #expect(same(y, expected + [7]), "\(name) \(threads)")
            }
        }
    }

    /// Blocks of 32768, in each eight chains that are joined in order.
    @Test("the sum of squares is one order of additions", arguments: [0, 1, 17, 32768, 70003])
    func sumOfSquares(count: Int) {
        var random = Generator(UInt64(count) + 3)
        let x = random.values(count)
        var expected = 0.0
        for start in stride(from: 0, to: count, by: 32768) {
            var chains = [Double](repeating: 0, count: 8)
            for i in start..<min(start + 32768, count) { chains[(i - start) % 8] += Double(x[i]) * Double(x[i]) }
            expected += chains.reduce(0, +)
        }
        onEachInstructionSet { name in
            for threads in [1, 2] as [Int32] { #expect(ck_sum_squares(x, Int64(count), threads) == expected, "\(name)") }
        }
    }
}
