import Engine
import Tensors
import Testing

/// One derivative of one op with one set of inputs.
struct DerivativeCase: CustomTestStringConvertible, Sendable {
    let test: SampleCase
    let derivative: Derivative
    var op: any Op { test.sample.op }
    var testDescription: String { "\(test.testDescription), input \(derivative.input)" }

    static let all: [DerivativeCase] = SampleCase.all.flatMap { test in
        test.sample.op.derivatives.filter { $0.input < test.sample.inputs.count }.map { DerivativeCase(test: test, derivative: $0) }
    }

    /// Ops whose derivative is more than one product a number. Of RoPE the tables' gradients and copied dimensions have nothing inside.
    static func hasParts(_ test: DerivativeCase) -> Bool {
        switch test.op {
        case is Linear, is RMSNorm, is LayerNorm, is Softmax, is CrossEntropy: true
        // Of packed rows a cell's keys depend on another input; the forward has no smaller parts there either.
        case let op as AttentionScores: !op.mask.packed
        case let op as AttentionContext: !op.mask.packed
        case let op as Activation: op.function != .relu
        case let op as Rope: test.derivative.input == 0 && !op.interleaved
        default: false
        }
    }

    /// The op's inputs in fp64, and a dL/dy: L = Σ c·y.
    func setting() throws -> (inputs: [Dense<Double>], output: Dense<Double>, slope: Dense<Double>) {
        let inputs = try test.inputs().map { Dense<Double>($0) }
        let output = op.reference(inputs)
        var noise = Noise(seed: 31)
        let loss = op is HeadLoss ? output.shape.rowLength - 1 : nil
        let slope = Dense(output.shape) { place in
            // Of head and loss in one only the loss column is differentiated.
            loss == nil || place % output.shape.rowLength == loss ? Double(noise.normal()) : 0
        }
        return (inputs, output, slope)
    }

    func read<R>(_ inputs: [Dense<R>], _ output: Dense<R>, _ slope: Dense<R>) -> [Dense<R>] {
        derivative.reads.map { read in
            switch read {
            case .input(let number): inputs[number]
            case .output, .unrounded: output
            }
        } + [slope]
    }

    /// dL/d(input) by central differences, step 1e-6·max(1, |x|); a masked score stays masked.
    func differences(_ inputs: [Dense<Double>], _ slope: Dense<Double>) -> [Double] {
        inputs[derivative.input].values.indices.map { place in
            let x = inputs[derivative.input].values[place]
            guard x.isFinite else { return 0 }
            let step = 1e-6 * max(1, abs(x))
            let ends = [x + step, x - step].map { moved in
                var inputs = inputs
                inputs[derivative.input].values[place] = moved
                return zip(op.reference(inputs).values, slope.values).reduce(0) { $1.0.isFinite ? $0 + $1.0 * $1.1 : $0 }
            }
            return (ends[0] - ends[1]) / (2 * step)
        }
    }
}

/// The backward of every op of the catalogue, by being listed.
struct GradientTests {
    @Test(arguments: DerivativeCase.all) func formulaEqualsCentralDifferences(_ test: DerivativeCase) throws {
        let (inputs, output, slope) = try test.setting()
        let gradient = test.op.backward(test.derivative.input, test.read(inputs, output, slope), shape: inputs[test.derivative.input].shape)
        #expect(gradient.shape.counts == inputs[test.derivative.input].shape.counts)
        let found = SampleCase.error(hidden(test, gradient.values), hidden(test, test.differences(inputs, slope)))
        #expect(found.squareRoot() < 1e-6)
    }

    /// transformers lets a hidden probability have a gradient, and so does the formula; a difference there sees the mask.
    private func hidden(_ test: DerivativeCase, _ values: [Double]) -> [Double] {
        guard let context = test.op as? AttentionContext, test.derivative.input == 0 else { return values }
        let shape = test.test.shapes[0]
        var first: [Int32]?
        if case .integers(let keys)? = test.test.sample.inputs.last { first = keys }
        let mask = context.mask.pass(queries: shape[1], keys: shape[2], first: first)
        return values.enumerated().map { place, value in
            let index = shape.index(at: place)
            return mask.range(query: index[1], keys: shape[2]).contains(index[2]) ? value : 0
        }
    }

    /// The check above can see a missing term: a gradient that is 1 % off in one element fails it.
    @Test(arguments: DerivativeCase.all) func differencesSeeAWrongElement(_ test: DerivativeCase) throws {
        let (inputs, output, slope) = try test.setting()
        var gradient = test.op.backward(test.derivative.input, test.read(inputs, output, slope), shape: inputs[test.derivative.input].shape)
        let largest = try #require(gradient.values.indices.max { abs(gradient.values[$0]) < abs(gradient.values[$1]) })
        gradient.values[largest] *= 1.01
        #expect(SampleCase.error(gradient.values, test.differences(inputs, slope)).squareRoot() > 1e-6)
    }

    @Test(arguments: DerivativeCase.all) func kernelsAgreeWithTheFormula(_ test: DerivativeCase) throws {
        let (inputs, output, slope) = try test.setting()
        let shape = inputs[test.derivative.input].shape
        let exact = test.op.backward(test.derivative.input, test.read(inputs, output, slope), shape: shape)
        let values = try tensors(test, output, slope)
        for kernel in test.op.backwardKernels(test.derivative.input) where kernel.inputs == nil {
            let bits = try [1, 2].map { try kernel.run(values, shape, $0).contiguous().floats().map(\.bitPattern) }
            #expect(bits[0] == bits[1])
            let found = try kernel.run(values, shape, 2)
            #expect(found.shape.counts == shape.counts)
            #expect(SampleCase.error(found.doubles(), exact.values) < 1e-12, "\(kernel.name)")
        }
    }

    private func tensors(_ test: DerivativeCase, _ output: Dense<Double>, _ slope: Dense<Double>) throws -> [Tensor] {
        let inputs = try test.test.inputs()
        let y = try Tensor(output.shape, output.values.map(Float.init))
        let dy = try Tensor(slope.shape, slope.values.map(Float.init))
        return test.derivative.reads.map { if case .input(let number) = $0 { inputs[number] } else { y } } + [dy]
    }

    /// A kernel that rounds what it gives spares others the rounding: of an op without parts it is that of what it would give otherwise.
    @Test(arguments: DerivativeCase.all) func whatAKernelRoundsIsRounded(_ test: DerivativeCase) throws {
        let (inputs, output, slope) = try test.setting()
        let (shape, values) = (inputs[test.derivative.input].shape, try tensors(test, output, slope))
        let chain = (test.op as? Activation).map { [.geluNew, .geluQuick].contains($0.function) } ?? false
        for format in [NumberFormat.bf16, .fp16, .fp8e5m2] {
            for kernel in test.op.backwardKernels(test.derivative.input) where kernel.roundsOutput {
                let found = try kernel.run(values, shape, Arithmetic(threads: 2, rounding: Rounding(format: format)))
                let wide = try kernel.run(values, shape, 2)
                let expected = try format.rounded(chain || test.op is Scale ? found : wide, threads: 1)
                #expect(found.floats().map(\.bitPattern) == expected.floats().map(\.bitPattern), "\(kernel.name), \(format)")
            }
        }
    }

    /// What the lineage shows of a gradient adds up to it, and where it shows nothing the gradient is 0.
    @Test(arguments: DerivativeCase.all) func contributionsAddUp(_ test: DerivativeCase) throws {
        let (inputs, output, slope) = try test.setting()
        let shape = inputs[test.derivative.input].shape
        let gradient = test.op.backward(test.derivative.input, test.read(inputs, output, slope), shape: shape)
        let values = try test.read(inputs, output, slope).map { try Tensor($0.shape, $0.values.map(Float.init)) }
        let tensor = try Tensor(shape, gradient.values.map(Float.init))
        for place in gradient.values.indices {
            let terms = test.op.backwardContributions(test.derivative.input, at: shape.index(at: place), values: values, gradient: tensor)
            for term in terms { #expect(values[term.input].value(at: term.index) == term.value) }
            #expect(abs(terms.reduce(0) { $0 + $1.term } - gradient.values[place]) < 1e-5 * max(1, abs(gradient.values[place])))
        }
    }

    /// What "step into" a gradient ends at is the gradient, and a dot product ends at its bits.
    @Test(arguments: DerivativeCase.all) func expansionsEndAtTheGradient(_ test: DerivativeCase) throws {
        let (inputs, output, slope) = try test.setting()
        let shape = inputs[test.derivative.input].shape
        let values = try test.read(inputs, output, slope).map { try Tensor($0.shape, $0.values.map(Float.init)) }
        let gradient = Gradient(test.op, test.derivative, shape: shape)
        let whole = gradient.reference(values.map { Dense<Float>($0) }).values
        var expanded = 0
        for place in whole.indices {
            guard let inner = try Expansion(gradient, inputs: values, at: shape.index(at: place), policy: Policy()) else { continue }
            var stepper = inner.stepper
            while !stepper.isFinished { try stepper.step() }
            let result = try #require(try stepper.tensor(inner.result)).floats()
            #expect(result.count == (inner.cell == nil ? whole.count : 1))
            let found = result[inner.cell == nil ? place : 0]
            let isChain = test.op is AttentionContext || test.op is AttentionScores || (test.op is Linear && test.derivative.input < 2)
            if isChain { #expect(found == whole[place]) } else { #expect(abs(found - whole[place]) <= 1e-5 * max(1, abs(whole[place]))) }
            expanded += 1
        }
        #expect(expanded == whole.count || !DerivativeCase.hasParts(test))
    }

    @Test(arguments: DerivativeCase.all) func derivationsAreTold(_ test: DerivativeCase) {
        #expect(!test.derivative.formula.isEmpty && !test.derivative.derivation.isEmpty)
    }
}

/// Where a value is read several times its gradient is the sum of the parts.
struct DifferentiationTests {
    @Test func partsAreSummedAndNamed() throws {
        var graph = Graph()
        let x = graph.weight("x", Shape((.token, 2), (.feature, 3)))
        let square = graph.apply(Multiply(), [x, x], as: "square")
        let total = graph.apply(Add(), [square, x], as: "total")
        let row = graph.apply(Reduce(.sum), [total], as: "rows")
        let loss = graph.apply(Cell(prefix: [1, 0]), [row], as: "loss")
        graph.differentiate(loss, leaves: { $0.role == .weight })
        let program = try Program(graph)
        var stepper = try Stepper(
            program, policy: Policy(), keep: .all(budget: .max), bindings: [x.id: Tensor(x.shape, [1, 2, 3, 4, 5, 6])])
        while !stepper.isFinished { try stepper.step() }
        let gradient = try #require(try program.id(of: "grad:x").flatMap { try stepper.tensor($0) })
        #expect(gradient.floats() == [0, 0, 0, 9, 11, 13])
        #expect(program.id(of: "grad:x via square") != nil && program.id(of: "grad:x via square′") != nil)
    }

    /// What no leaf depends on gets no gradient and no step.
    @Test func onlyWhatIsWantedIsWalked() throws {
        var graph = Graph()
        let a = graph.weight("a", Shape((.feature, 3)))
        let b = graph.weight("b", Shape((.feature, 3)))
        let product = graph.apply(Multiply(), [a, b], as: "product")
        let loss = graph.apply(Reduce(.sum), [product], as: "loss")
        graph.differentiate(loss, leaves: { $0.name == "a" })
        let program = try Program(graph)
        #expect(program.id(of: "grad:a") != nil && program.id(of: "grad:b") == nil)
        #expect(program.forwardCount == 2)
    }
}
