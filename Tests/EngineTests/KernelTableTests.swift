import Engine
import Tensors
import Testing

/// Every kernel against the formula, on many shapes, in every format.
struct KernelTableTests {
    /// Widest first; fp64 runs the formula alone.
    private static let formats = NumberFormat.all.filter { $0.name != "fp64" }

    @Test(arguments: KernelCases.all) func everyKernelAgreesInEveryFormat(_ test: SampleCase) throws {
        for format in Self.formats {
            let trial = try KernelTrial(test, format)
            for kernel in test.sample.op.allKernels where kernel.fusion == nil { try trial.expect(kernel) }
        }
    }

    /// Rounding what a kernel has rounded itself changes nothing, and nobody rounds it once more.
    @Test(arguments: KernelCases.all) func whatAKernelRoundsIsRounded(_ test: SampleCase) throws {
        for format in Self.formats where format.isElementwise && !format.keepsSingle {
            let trial = try KernelTrial(test, format)
            for kernel in test.sample.op.allKernels where kernel.roundsOutput {
                let value = try kernel.run(trial.inputs, trial.shape, Arithmetic(threads: 2, rounding: Rounding(format: format)))
                #expect(try value.floats().map(\.bitPattern) == trial.stored(value).floats().map(\.bitPattern), "\(kernel.name), \(format)")
            }
        }
    }

    /// What a derivative reads unrounded becomes the value when it is rounded, and has more digits.
    @Test(arguments: KernelCases.all.filter { $0.sample.op.isReadUnrounded }) func theLastRoundingCanBeLeftOut(_ test: SampleCase) throws {
        for format in Self.formats where format.isElementwise && !format.keepsSingle {
            let (trial, rounding) = (try KernelTrial(test, format), Rounding(format: format))
            for kernel in test.sample.op.allKernels where kernel.fusion == nil {
                let wide = try kernel.run(trial.inputs, trial.shape, Arithmetic(threads: 2, rounding: rounding, roundsOutput: false))
                let stored = try trial.stored(wide).floats().map(\.bitPattern)
                #expect(try trial.run(kernel, threads: 2).floats().map(\.bitPattern) == stored, "\(kernel.name), \(format)")
                // A tangent times its cap may need no rounding.
                let mayStay = test.sample.op is AttentionScores || trial.shape.elementCount < 40
                #expect(mayStay || wide.floats().map(\.bitPattern) != stored, "\(kernel.name), \(format)")
            }
        }
    }

    /// The bits of a value do not depend on how many threads made it.
    @Test(arguments: KernelCases.all) func threadsChangeNoBit(_ test: SampleCase) throws {
        for format in [NumberFormat.fp32, .bf16] {
            let trial = try KernelTrial(test, format)
            for kernel in test.sample.op.allKernels where kernel.fusion == nil && kernel.name != "blas" {
                let alone = try trial.run(kernel, threads: 1).floats().map(\.bitPattern)
                for threads in [2, 3, 5] {
                    #expect(
                        try trial.run(kernel, threads: threads).floats().map(\.bitPattern) == alone,
                        "\(kernel.name), \(threads) threads, \(format)")
                }
            }
        }
    }

    /// Negative control: one input off by a hundredth is further off than any bound allows.
    @Test(arguments: SampleCase.all.filter { !$0.shapes.isEmpty }) func aHundredthIsSeen(_ test: SampleCase) throws {
        let trial = try KernelTrial(test, .fp32)
        let floats = trial.inputs.indices.filter { trial.inputs[$0].type == .f32 }
        guard !floats.isEmpty else { return }
        for kernel in test.sample.op.allKernels where kernel.fusion == nil && kernel.inputs == nil && kernel.meaning == nil {
            let errors = try floats.map { place in
                var inputs = trial.inputs
                inputs[place] = try Tensor(inputs[place].shape, inputs[place].floats().map { $0 * 1.01 })
                return trial.error(try kernel.run(inputs, trial.shape, 1))
            }
            #expect((errors.max() ?? 0) > trial.bound(kernel), "\(kernel.name): \(errors)")
        }
    }

    @Test(arguments: SampleCase.all) func everyOpHasTwoKernelsWithCards(_ test: SampleCase) {
        let kernels = test.sample.op.allKernels
        #expect(kernels.count >= 2)
        Self.expectCards(kernels)
    }

    /// The reverse walk's too: what `:kernels` shows of a gradient is as much as of a value.
    @Test(arguments: SampleCase.all) func everyGradientsKernelHasACard(_ test: SampleCase) throws {
        let shapes = try test.inputs().map(\.shape)
        for derivative in test.sample.op.derivatives where shapes.indices.contains(derivative.input) {
            let gradient = Gradient(test.sample.op, derivative, shape: shapes[derivative.input])
            Self.expectCards(gradient.allKernels)
            #expect(gradient.kernel(named: "double")?.card?.order == derivative.formula)
            for kernel in gradient.kernels where kernel.name != "view" {
                let own = test.sample.op.kernels.first { $0.name == kernel.name }?.card
                #expect(own?.order != kernel.card?.order || kernel.card?.order == KernelCard.elements.order || kernel.inputs != nil)
            }
        }
    }

    private static func expectCards(_ kernels: [Kernel]) {
        #expect(Set(kernels.map(\.name)).count == kernels.count)
        for kernel in kernels {
            #expect(!kernel.name.contains(" ") && kernel.name != Kernel.reference && kernel.name != "own")
            guard let card = kernel.card else {
                Issue.record("\(kernel.name) has no card")
                continue
            }
            #expect(card.sentence.hasSuffix(".") && !card.order.isEmpty && !card.source.isEmpty && !card.rounding.isEmpty, "\(kernel.name)")
            #expect((kernel.meaning != nil) == card.sentence.hasPrefix("Another meaning:"), "\(kernel.name)")
        }
    }

    /// What nobody asks for is what it was: the first of the fast ones, or the formula.
    @Test(arguments: SampleCase.all) func variantsRunOnlyByName(_ test: SampleCase) throws {
        let op = test.sample.op
        var graph = Graph()
        let inputs = test.shapes.enumerated().map { graph.input("input \($0)", $1) }
        graph.apply(op, inputs, as: "y")
        let program = try Program(graph)
        let value = try #require(program.values.last)
        #expect(Policy().choice(for: value, op: op).kernelName == op.kernels.first?.name ?? Kernel.reference)
    }
}

extension Op {
    fileprivate var isReadUnrounded: Bool { derivatives.contains { $0.reads.contains(.unrounded) } }
}

/// An op's inputs in a format, and how near kernels come to the formula there.
struct KernelTrial {
    let op: any Op
    let format: NumberFormat
    let inputs: [Tensor]
    let shape: Shape
    private let rounding: Rounding

    init(_ test: SampleCase, _ format: NumberFormat) throws {
        (op, self.format, rounding) = (test.sample.op, format, Rounding(format: format))
        inputs = try test.inputs().map { $0.type == .f32 ? try format.rounded($0, hides: test.sample.op is Softmax, threads: 1) : $0 }
        shape = try op.outputShape(inputs.map(\.shape))
    }

    /// As the stepper would store it.
    func run(_ kernel: Kernel, threads: Int) throws -> Tensor {
        try stored(kernel.run(inputs, shape, Arithmetic(threads: threads, rounding: rounding)))
    }

    func stored(_ value: Tensor) throws -> Tensor { try format.rounded(value, hides: op.hidesWithInfinity, threads: 1) }

    func expect(_ kernel: Kernel) throws {
        let value = try run(kernel, threads: 2)
        #expect(value.shape.counts == shape.counts)
        let meant = kernel.meaning ?? op
        if format.keepsSingle, let table = op as? RopeTable { return expectAngles(kernel, value, table) }
        let bound = try max(bound(kernel), 4 * error(ofFormula: meant), 4 * error(ofPartsOf: kernel))
        let found = error(value, meant)
        #expect(found <= bound, "\(kernel.name) in \(format): \(found) beyond \(bound)")
        if format == .fp32, kernel.inputs == nil { try expectClose(kernel, value, meant) }
    }

    /// PyTorch's tolerances for fp32, with the length of the sum.
    private func expectClose(_ kernel: Kernel, _ value: Tensor, _ meant: any Op) throws {
        let slack = max(1, Double(inputs.first?.shape.rowLength ?? 1) / 256)
        let exact = meant.reference(inputs.map { Dense<Double>($0) }, rounding: exactRounding)
        for (a, b) in zip(value.doubles(), exact.values) where a != b && !(a.isNaN && b.isNaN) {
            #expect(abs(a - b) <= slack * (1e-5 + 1.3e-6 * abs(b)), "\(kernel.name): \(a) for \(b)")
        }
    }

    /// Angles of thousands of radians have few digits behind the point in fp32, whoever makes them: two units of the last, and 1e-6.
    private func expectAngles(_ kernel: Kernel, _ value: Tensor, _ table: RopeTable) {
        let (theta, positions) = (inputs[0].floats(), inputs[1].floats())
        let single = table.reference(inputs.map { Dense<Float>($0) }).values
        for (place, found) in value.floats().enumerated() {
            let angle = positions[place / theta.count] * theta[place % theta.count]
            #expect(abs(found - single[place]) <= 2 * angle.ulp + 1e-6, "\(kernel.name): cos or sin of \(angle)")
        }
    }

    /// The factor of a scale is what the format makes of it: that is meant, not rounded.
    private var exactRounding: Rounding { op is Scale ? rounding : .none }

    /// Σ(a − b)² / Σb² from the formula in fp64; of tables of a rotation in fp32, since the angles themselves are rounded there.
    func error(_ value: Tensor, _ meant: (any Op)? = nil) -> Double {
        let op = meant ?? op
        if op is RopeTable || op is DirectRope {
            let single = op.reference(inputs.map { Dense<Float>($0) })
            return SampleCase.error(value.doubles(), single.values.map(Double.init))
        }
        let exact = op.reference(inputs.map { Dense<Double>($0) }, rounding: exactRounding).values
        // Nothing is a small part of 0: there PyTorch's absolute tolerance holds.
        if exact.allSatisfy({ $0 == 0 }) { return value.doubles().allSatisfy { abs($0) <= 1e-5 } ? 0 : .infinity }
        return SampleCase.error(value.doubles(), exact)
    }

    /// What rounding the formula's parts and its value alone makes.
    private func error(ofFormula op: any Op) -> Double {
        let value = op.reference(inputs.map { Dense<Float>($0) }, rounding: rounding)
        guard let tensor = try? Tensor(value.shape, value.values), let stored = try? self.stored(tensor) else { return 0 }
        return error(stored, op)
    }

    /// Of kernels that round what the formula does not, how far off these parts are: a scaled q may lie among a format's last numbers.
    private func error(ofPartsOf kernel: Kernel) throws -> Double {
        guard let scores = op as? AttentionScores, ["scale-q", "scale-both"].contains(kernel.name), !format.keepsSingle,
            format.isElementwise
        else { return 0 }
        let factor = Float(kernel.name == "scale-q" ? scores.scale : scores.scale.squareRoot())
        return try inputs[..<(kernel.name == "scale-q" ? 1 : 2)].reduce(0) { sum, x in
            let scaled = try Tensor(x.shape, x.floats().map { $0 * factor })
            return try sum + SampleCase.error(format.rounded(scaled, threads: 1).doubles(), scaled.doubles())
        }
    }

    /// The bounds of the project: 1e-12 for rows and elements and 1e-10 for sums of products in fp32, 1e-6 with 11 digits, 5e-5 with 8, and for
    /// fewer digits as much larger as the spacing is; 5e-4 for products of 8-bit integers.
    func bound(_ kernel: Kernel) -> Double {
        let isRow = op is Softmax || op is RMSNorm || op is CrossEntropy || (op as? Activation)?.function == .silu
        let single = isRow ? 1e-12 : 1e-10
        return max(single, format.keepsSingle ? 0 : KernelTrial.bound(format), kernel.inputs.map(KernelTrial.bound) ?? 0)
    }

    private static func bound(_ format: NumberFormat) -> Double {
        if format.name == "int8" { return 5e-4 }
        if format.name == "nf4" { return 0.2 }
        return 5e-5 * Double(sign: .plus, exponent: 2 * (7 - format.mantissaBits), significand: format.mantissaBits > 7 ? 1.28 : 1)
    }
}
