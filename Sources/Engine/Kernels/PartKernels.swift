import RealModule
import Tensors

/// Other ways to the small ops that larger ones are taken apart into.
extension Map {
    package var variants: [Kernel] { [other, inDouble] }

    private var other: Kernel {
        switch function {
        case .exp: Kernel("simd", .elements) { inputs, _, threads in try Kernels.map(.exp, inputs[0], threads: threads) }
        case .log: form("base-2", "log₂ x · ln 2") { Float.log2($0) * 0.693147180559945309417232 }
        case .square: Kernel("simd", .elements) { inputs, _, threads in try Kernels.multiply(inputs[0], inputs[0], threads: threads) }
        case .reciprocalSquareRoot: form("root-of-reciprocal", "√(1/x)") { (1 / $0).squareRoot() }
        case .plus(let number):
            Kernel("simd", .elements) { inputs, _, threads in
                let constant = try Tensor(inputs[0].shape) { $0.update(repeating: Float(number)) }
                return try Kernels.add(inputs[0], constant, threads: threads)
            }
        case .times(let number): form("quotient", "x / (1/c)") { $0 / (1 / Float(number)) }
        case .softcap(let cap):
            Kernel("simd", .elements) { inputs, _, threads in try Kernels.softcap(inputs[0], cap: Float(cap), threads: threads) }
        case .softcapSlope(let cap):
            form("factored", "(1 − y/c)·(1 + y/c)") { $0.isFinite ? (1 - $0 / Float(cap)) * (1 + $0 / Float(cap)) : 0 }
        case .erf: form("complement", "1 − erfc(x)") { 1 - Float.erfc($0) }
        }
    }

    private func form(_ name: String, _ order: String, _ f: @escaping @Sendable (Float) -> Float) -> Kernel {
        let card = KernelCard(
            "The same function by another identity.", order: order, rounding: "of its own intermediate results",
            source: "DLMF, chapters 4 and 7")
        return Kernel(plain: name, card) { inputs, _ in inputs[0].map(f) }
    }
}

extension Zip {
    package var variants: [Kernel] { [other, inDouble] }

    private var other: Kernel {
        switch function {
        case .add, .multiply:
            Kernel("simd", .elements) { inputs, shape, threads in
                let spread = try Zip.spread(inputs[1], over: shape)
                return function == .add
                    ? try Kernels.add(inputs[0], spread, threads: threads) : try Kernels.multiply(inputs[0], spread, threads: threads)
            }
        case .subtract: form("negated", "a + (−b)", "nowhere") { $0 + -$1 }
        case .divide: form("reciprocal", "a · (1/b)", "1/b is rounded before the product") { $0 * (1 / $1) }
        case .pick:
            Kernel(plain: "one-hot", Zip.oneHot) { inputs, _ in
                let rows = inputs[0]
                return Dense(Shape(Array(rows.shape.axes.dropLast()))) { number in
                    rows.row(number).enumerated().reduce(0) { $0 + ($1.offset == Int(inputs[1].values[number]) ? $1.element : 0) }
                }
            }
        }
    }

    private static let oneHot = KernelCard(
        "The sum of a row with all but one number left out.", order: "Σⱼ [j = place] a[j]", rounding: "nowhere: all terms but one are 0",
        source: "a product with a row of zeros and one 1")

    private func form(_ name: String, _ order: String, _ rounding: String, _ f: @escaping @Sendable (Float, Float) -> Float) -> Kernel {
        let card = KernelCard(
            "The same operation through another one.", order: order, rounding: rounding, source: "IEEE 754-2019, section 5.4.1")
        return Kernel(plain: name, card) { inputs, _ in
            let (a, b) = (inputs[0], inputs[1])
            return Dense(a.shape) { f(a.values[$0], b.values[Zip.place($0, of: b.shape, over: a.shape)]) }
        }
    }

    /// The second operand, an element for each of the first.
    private static func spread(_ b: Tensor, over shape: Shape) throws -> Tensor {
        let values = b.floats()
        return try Tensor(shape, (0..<shape.elementCount).map { values[place($0, of: b.shape, over: shape)] })
    }
}

extension Reduce {
    package var variants: [Kernel] {
        if function == .max { return [rows("reversed", Reduce.reversed) { $0.reversed().max() ?? -.infinity }, inDouble] }
        let isMean = function == .mean
        return [
            rows("reversed", Reduce.reversed) { $0.reversed().reduce(0, +) / (isMean ? Float(max($0.count, 1)) : 1) },
            rows("pairwise", Reduce.pairwise) { Sums.pairwise($0[...]) / (isMean ? Float(max($0.count, 1)) : 1) },
            rows("kahan", Reduce.kahan) { Sums.kahan($0) / (isMean ? Float(max($0.count, 1)) : 1) }, inDouble,
        ]
    }

    private static let reversed = KernelCard(
        "From the end of the row.", order: "j descending", rounding: "the order of the sum; a maximum has none",
        source: "Higham 2002, section 4.2")
    private static let pairwise = KernelCard(
        "Two by two.", order: "a balanced tree", rounding: "the bound grows with log₂ n",
        source: "Higham 1993, The accuracy of floating point summation")
    private static let kahan = KernelCard(
        "What each addition lost is taken off the next number.", order: "t = s + (x − c), c = (t − s) − (x − c), s = t",
        rounding: "as good as exact", source: "Kahan 1965, Further remarks on reducing truncation errors")

    private func rows(_ name: String, _ card: KernelCard, _ row: @escaping @Sendable ([Float]) -> Float) -> Kernel {
        Kernel(plain: name, card) { inputs, _ in
            Dense(inputs[0].shape.replacingLast(Axis(.item, 1))) { row(Array(inputs[0].row($0))) }
        }
    }
}

extension RunningSum {
    package var variants: [Kernel] {
        [
            Kernel(plain: "unfused", RunningSum.unfused) { inputs, _ in
                var sum: Float = 0
                return Dense(
                    inputs[0].shape,
                    zip(inputs[0].values, inputs[1].values).map { a, b in
                        sum += a * b
                        return sum
                    })
            },
            inDouble,
        ]
    }

    private static let unfused = KernelCard(
        "A product and a sum in the place of one fused step.", order: "y[i] = y[i−1] + (a[i] · b[i])",
        rounding: "products are rounded, too",
        source: "IEEE 754-2019, section 5.4.1")
}

extension Cell {
    package var variants: [Kernel] { [copied(self), inDouble] }
}

extension Slice {
    package var variants: [Kernel] { [copied(self), inDouble] }
}

/// The formula over a copy of the whole input.
private func copied(_ op: any Op) -> Kernel {
    Kernel(plain: "copy", .copied) { inputs, _ in op.reference(inputs) }
}

extension OneHot {
    package var variants: [Kernel] {
        [
            Kernel(plain: "scatter", OneHot.scatter) { inputs, _ in
                var out = Dense(Shape([inputs[0].shape.axes[0], classes])) { _ in Float(0) }
                for (row, id) in inputs[0].values.enumerated() where (0..<classes.count).contains(Int(id)) {
                    out.values[row * classes.count + Int(id)] = 1
                }
                return out
            },
            inDouble,
        ]
    }

    private static let scatter = KernelCard(
        "Zeros, and a one written into each row.", order: "no arithmetic", rounding: "nowhere", source: "torch.Tensor.scatter_")
}

extension Constant {
    package var variants: [Kernel] {
        [
            Kernel("fill", Constant.fill) { [value] _, shape, _ in try Tensor(shape) { $0.update(repeating: Float(value)) } }, inDouble,
        ]
    }

    private static let fill = KernelCard(
        "Memory filled with one number.", order: "no arithmetic", rounding: "nowhere", source: "torch.full")
}
