import Engine
import Tensors
import Testing

/// Every op of the catalogue, by being listed.
struct OpTests {
    @Test(arguments: SampleCase.all) func kernelsAgreeWithReference(_ test: SampleCase) throws {
        let inputs = try test.inputs()
        let shape = try test.sample.op.outputShape(inputs.map(\.shape))
        let exact = test.sample.op.reference(inputs.map { Dense<Double>($0) })
        #expect(exact.shape.counts == shape.counts)
        let single = test.sample.op.reference(inputs.map { Dense<Float>($0) })
        #expect(SampleCase.error(single.values.map(Double.init), exact.values) < 1e-12)
        for kernel in test.sample.op.kernels where kernel.inputs == nil {
            for threads in [1, 2] {
                let value = try kernel.run(inputs, shape, threads)
                #expect(value.shape.counts == shape.counts)
                #expect(SampleCase.error(value.doubles(), exact.values) < 1e-12, "\(kernel.name), \(threads) threads")
            }
        }
    }

    /// The fast product and the formula make the same bits: one chain of fused multiply-adds.
    @Test(arguments: SampleCase.all.filter { $0.sample.op is Linear || $0.sample.op is AttentionContext })
    func chainsAreBitEqual(_ test: SampleCase) throws {
        let inputs = try test.inputs()
        let reference = test.sample.op.reference(inputs.map { Dense<Float>($0) })
        for kernel in test.sample.op.kernels where kernel.name != "blas" && kernel.inputs == nil {
            #expect(try kernel.run(inputs, reference.shape, 2).floats() == reference.values)
        }
    }

    @Test(arguments: SampleCase.all) func expansionEqualsKernel(_ test: SampleCase) throws {
        let inputs = try test.inputs()
        let op = test.sample.op
        let whole = op.reference(inputs.map { Dense<Double>($0) })
        for position in [0, whole.values.count / 2, whole.values.count - 1] {
            let index = whole.shape.index(at: position)
            guard let inner = try Expansion(op, inputs: inputs, at: index, policy: Policy()) else { continue }
            var stepper = inner.stepper
            while !stepper.isFinished { try stepper.step() }
            let result = try #require(try stepper.tensor(inner.result))
            let found = result.elementCount == whole.values.count ? result.doubles()[position] : result.doubles()[0]
            #expect(abs(found - whole.values[position]) <= 1e-5 * max(1, abs(whole.values[position])))
        }
    }

    /// Terms of linear ops add up to the element.
    @Test(arguments: SampleCase.all) func contributionsAddUp(_ test: SampleCase) throws {
        let inputs = try test.inputs()
        let op = test.sample.op
        if op is CrossEntropy || op is LayerNorm || (op as? AttentionScores)?.softcap ?? 0 > 0 { return }
        let dense = op.reference(inputs.map { Dense<Float>($0) })
        let output = try Tensor(dense.shape, dense.values)
        for position in [0, dense.values.count - 1] {
            let index = dense.shape.index(at: position)
            let terms = op.contributions(at: index, inputs: inputs, output: output)
            guard !terms.isEmpty, !(op is RopeTable) else { continue }
            let sum = terms.reduce(0) { $0 + $1.term }
            #expect(abs(sum - Double(dense.values[position])) < 1e-4 * max(1, abs(sum)), "\(index)")
        }
    }

    @Test(arguments: SampleCase.all) func wrongShapesAreRefused(_ test: SampleCase) throws {
        let shapes = try test.inputs().map(\.shape)
        let odd = Shape((.token, 1), (.token, 1), (.token, 1), (.token, 3))
        #expect(throws: ShapeError.self) { try test.sample.op.outputShape(shapes + [odd]) }
        guard !shapes.isEmpty else { return }
        let few = Array(shapes.prefix(shapes.count == 1 ? 0 : 1))
        #expect(throws: ShapeError.self) { try test.sample.op.outputShape(few) }
    }

    @Test(arguments: OpCatalogue.all.map { $0.card }) func cardsAreComplete(_ card: OpCard) {
        #expect(!card.name.isEmpty && !card.formula.isEmpty && card.sentence.hasSuffix(".") && !card.source.isEmpty)
    }
}

extension OpCard: CustomTestStringConvertible {
    public var testDescription: String { name }
}
