import Engine
import Foundation
import StrictJSON
import Tensors
import Testing

/// Gradients of single ops in 16 bits against PyTorch's autograd over the architectures' own code (Golden/make_backward_formats.py).
struct BackwardGoldenTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let op: any Op
        let shapes: [Shape]
        let output: Shape
        /// Whether autograd keeps something in the format between dY and the gradient.
        var hasParts = true
        /// Whether autograd keeps more of the value than the format has. A cap that is a power of two can be divided out again.
        var keepsMore = false
        /// Of so many numbers sums in another order may fall on the other side of a middle.
        var share = 0.03
        var testDescription: String { name }
    }

    private static let (q, k) = (Shape((.head, 4), (.token, 6), (.feature, 8)), Shape((.head, 2), (.token, 6), (.feature, 8)))
    private static let probs = Shape((.head, 4), (.query, 6), (.key, 6))
    private static let square = Shape((.head, 4), (.query, 12), (.key, 12))
    private static let norm = [Shape((.token, 5), (.feature, 37)), Shape((.feature, 37))]
    private static let wide = Shape((.token, 4), (.feature, 41))

    static let cases = [
        Case(name: "llama norm", op: RMSNorm(epsilon: 1e-5), shapes: norm, output: norm[0]),
        Case(
            name: "gemma norm", op: RMSNorm(epsilon: 1e-6, plusOne: true, castsFirst: false), shapes: norm, output: norm[0],
            hasParts: false),
        Case(
            name: "rope", op: Rope(),
            shapes: [Shape((.head, 3), (.token, 5), (.feature, 16)), Shape((.token, 5), (.pair, 8)), Shape((.token, 5), (.pair, 8))],
            output: Shape((.head, 3), (.token, 5), (.feature, 16))),
        Case(
            name: "layer norm", op: LayerNorm(epsilon: 1e-5),
            shapes: [Shape((.token, 29), (.feature, 37)), Shape((.feature, 37)), Shape((.feature, 37))],
            output: Shape((.token, 29), (.feature, 37)), share: 0.002),
        Case(name: "gelu new", op: Activation(.geluNew), shapes: [wide], output: wide, share: 0),
        Case(name: "gelu quick", op: Activation(.geluQuick), shapes: [wide], output: wide, share: 0),
        Case(name: "soft cap", op: SoftCap(5), shapes: [wide], output: wide, share: 0),
        Case(name: "scores", op: AttentionScores(scale: 0.3, mask: AttentionMask()), shapes: [q, k], output: probs),
        Case(name: "capped scores", op: AttentionScores(scale: 0.3, softcap: 2, mask: AttentionMask()), shapes: [q, k], output: probs),
        Case(
            name: "context", op: AttentionContext(mask: AttentionMask()), shapes: [probs, k], output: Shape((.token, 6), (.feature, 32))),
        Case(
            name: "embedding", op: Embedding(), shapes: [Shape((.vocabulary, 5), (.feature, 23))],
            output: Shape((.token, 6), (.feature, 23))),
        Case(
            name: "scale", op: Scale(192.0.squareRoot()), shapes: [Shape((.token, 4), (.feature, 23))],
            output: Shape((.token, 4), (.feature, 23))),
        Case(
            name: "softmax", op: Softmax(mask: AttentionMask()), shapes: [square], output: square, hasParts: false, share: 0.002),
        Case(
            name: "upcast softmax", op: Softmax(mask: AttentionMask(), upcasts: true), shapes: [square], output: square, hasParts: false,
            keepsMore: true, share: 0.002),
        Case(
            name: "scores capped at 50", op: AttentionScores(scale: 0.3, softcap: 50, mask: AttentionMask()), shapes: [q, k],
            output: probs, keepsMore: true, share: 0.006),
    ]

    @Test(arguments: cases, [NumberFormat.bf16, .fp16]) func gradientsAreThoseOfAutograd(_ test: Case, _ format: NumberFormat) throws {
        let golden = try #require(try Self.golden()[format.name]?.object?[test.name]?.object)
        let slope = try Tensor(test.output, #require(golden["slope"]?.floats))
        let inputs = try zip(test.shapes, golden["inputs"]?.array ?? []).map { try Tensor($0, #require($1.floats)) }
        let values = (test.op is Embedding ? [try Tensor(ids: [2, 0, 2, 4, 2, 0])] : []) + inputs
        let output = try Tensor(test.output, #require(golden["output"]?.floats))
        var (changed, changedByStorage) = (false, false)
        for (key, expected) in try #require(golden["gradients"]?.object).members {
            let input = try #require(Int(key)) + (test.op is Embedding ? 1 : 0)
            let derivative = try #require(test.op.derivatives.first { $0.input == input })
            let gradient = Gradient(test.op, derivative, shape: values[input].shape)
            let torch = try #require(expected.floats)
            func stored(_ rounding: Rounding, _ unrounded: (formula: Tensor, kernel: Tensor)) throws -> (formula: [Float], kernel: [Float])
            {
                func reads(_ unrounded: Tensor) -> [Tensor] {
                    derivative.reads.map {
                        switch $0 {
                        case .input(let number): values[number]
                        case .output: output
                        case .unrounded: unrounded
                        }
                    } + [slope]
                }
                let formula = gradient.reference(reads(unrounded.formula).map { Dense<Float>($0) }, rounding: rounding)
                let kernel = try #require(gradient.kernels.first).run(
                    reads(unrounded.kernel), gradient.shape, Arithmetic(threads: 2, rounding: rounding))
                return (
                    try format.rounded(Tensor(formula.shape, formula.values), threads: 1).floats(),
                    try format.rounded(kernel, threads: 1).floats()
                )
            }
            let unrounded = try Self.unrounded(test, values, Rounding(format: format))
            let (formula, kernel) = try stored(Rounding(format: format), unrounded)
            Self.expect(formula, torch, format, test, "input \(key), formula")
            Self.expect(kernel, torch, format, test, "input \(key), kernel")
            // Negative control: one rounding at the end is something else.
            let once = try stored(.none, unrounded)
            changed = changed || (Self.share(once.formula, torch) > test.share && Self.share(once.kernel, torch) > test.share)
            // And so is what the stored value tells, where autograd keeps more.
            let narrow = try stored(Rounding(format: format), (output, output))
            changedByStorage =
                changedByStorage || (Self.share(narrow.formula, torch) > test.share && Self.share(narrow.kernel, torch) > test.share)
        }
        #expect(changed == test.hasParts || test.op is Scale)
        #expect(changedByStorage == test.keepsMore)
    }

    /// The op's value with its parts rounded and not itself, by the formula and by the kernel.
    private static func unrounded(_ test: Case, _ values: [Tensor], _ rounding: Rounding) throws -> (formula: Tensor, kernel: Tensor) {
        let formula = test.op.reference(values.map { Dense<Float>($0) }, rounding: rounding)
        let kernel = try #require(test.op.kernels.first)
        let arithmetic = Arithmetic(threads: 2, rounding: rounding, roundsOutput: false)
        return (try Tensor(formula.shape, formula.values), try kernel.run(values, test.output, arithmetic))
    }

    /// Forward the same holds: the parts that PyTorch keeps in the format are rounded where it rounds them.
    @Test(arguments: cases, [NumberFormat.bf16, .fp16]) func valuesAreThoseOfPyTorch(_ test: Case, _ format: NumberFormat) throws {
        let golden = try #require(try Self.golden()[format.name]?.object?[test.name]?.object)
        let given = try zip(test.shapes, golden["inputs"]?.array ?? []).map { try Tensor($0, #require($1.floats)) }
        let inputs = (test.op is Embedding ? [try Tensor(ids: [2, 0, 2, 4, 2, 0])] : []) + given
        let torch = try #require(golden["output"]?.floats)
        let rounding = Rounding(format: format)
        let formula = test.op.reference(inputs.map { Dense<Float>($0) }, rounding: rounding)
        let kernel = try #require(test.op.kernels.first).run(inputs, test.output, Arithmetic(threads: 2, rounding: rounding))
        for (name, made) in [("formula", try Tensor(formula.shape, formula.values)), ("kernel", kernel)] {
            let found = try format.rounded(made, threads: 1).floats()
            #expect(Self.share(found, torch) <= test.share, "\(name): \(Self.share(found, torch)) of the numbers are others")
        }
    }

    /// The same numbers but for a few, and those by one spacing: 2⁻⁸ or 2⁻¹¹ of one number in fifty is the bound.
    private static func expect(_ found: [Float], _ torch: [Float], _ format: NumberFormat, _ test: Case, _ name: String) {
        #expect(share(found, torch) <= test.share, "\(name): \(share(found, torch)) of the numbers are others")
        let size = torch.reduce(0) { $0 + Double($1) * Double($1) }
        let distance = zip(found, torch).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        #expect(distance <= (format == .bf16 ? 2e-5 : 3e-7) * size, "\(name): \(distance / size)")
    }

    private static func share(_ a: [Float], _ b: [Float]) -> Double {
        Double(zip(a, b).count { $0 != $1 }) / Double(max(b.count, 1))
    }

    private static func golden() throws -> JSONObject {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent("Golden/backward.formats.json")))
        return try #require(try StrictJSON.parse(bytes).object)
    }
}

extension JSONValue {
    /// Numbers; null is what a mask hides.
    fileprivate var floats: [Float]? { array?.map { Float($0.number?.double ?? -.infinity) } }
}
