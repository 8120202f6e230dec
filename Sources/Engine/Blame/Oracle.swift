import Tensors

/// The same run in fp64: every op by its formula, nothing rounded between. Weights are taken as the file has them, before any rounding, and
/// edits are made here too.
///
/// Where fp64 is not enough: a product whose terms cancel is summed in twice the precision (`Kernels.exactMatmul`). Positions and ids are
/// whole numbers and stay so; an angle m·θ is off by 2⁻⁵³ of itself, 10⁻¹¹ at position 131072, where fp32's own step is 8·10⁻³. A mean that is
/// taken off and log Σ exp − z lose as many digits in fp64 as in fp32, so they keep the 29 bits that fp64 has more.
package struct Oracle: Sendable {
    package let program: Program
    /// By value; nil where the run has not come. Weights and inputs are in their own formats.
    private(set) package var tensors: [Tensor?]
    private let threads: Int

    /// As far as a run has come. `given` are inputs in the place of the run's own, such as the caches of another oracle. Nil if `interrupted`.
    package init?(of run: Stepper, given: [Int: Tensor] = [:], interrupted: () -> Bool = { false }) throws {
        program = run.program
        threads = run.policy.threads
        tensors = Array(repeating: nil, count: program.values.count)
        for id in program.leaves { tensors[id] = try given[id] ?? run.given(id).map { try run.edited(id, $0) } }
        for (number, step) in program.steps[..<run.cursor].enumerated() {
            if interrupted() { return nil }
            tensors[step.output] = try run.exact(number, step.inputs.map { try known($0) })
        }
    }

    private func known(_ id: Int) throws -> Tensor {
        guard let tensor = tensors[id] else { throw BindingError(rule: "\(program.values[id].name) has no value in fp64") }
        return tensor
    }

    package func tensor(_ id: Int) -> Tensor? { tensors[id] }

    /// How far a value of a run of the same program is from this one, and which part of that was made by its own op. Nil if it was not
    /// computed.
    package func error(of id: Int, in run: Stepper) throws -> ValueError? {
        guard let exact = tensors[id], let found = try run.tensor(id) else { return nil }
        let (truth, own) = (exact.doubles(), found.doubles())
        let total = ErrorSize(own, from: truth, shape: exact.shape)
        guard let number = program.values[id].step else { return ValueError(total: total, carried: .none, made: total) }
        let inputs = try run.inputs(of: number, program.steps[number].inputs) { try run.value($0) }
        let carried = try run.exact(number, inputs).doubles()
        return ValueError(
            total: total, carried: ErrorSize(carried, from: truth, shape: exact.shape),
            made: ErrorSize(own, from: carried, shape: exact.shape))
    }
}

/// The error of a value against the oracle, taken apart: total = carried + made, element by element.
package struct ValueError: Sendable {
    /// The run's value less the oracle's.
    package let total: ErrorSize
    /// What the errors of the inputs amount to: the op in fp64 on the run's own inputs, less the oracle's value.
    package let carried: ErrorSize
    /// What the op itself added by rounding: the run's value less the op in fp64 on the same inputs. Of a weight what storing it cost.
    package let made: ErrorSize
}

/// How large a difference of two values is.
package struct ErrorSize: Sendable, Equatable {
    /// Σ(a − b)².
    package let squares: Double
    /// Σb².
    package let scale: Double
    /// The largest |a − b|, and where; infinite where one of the two is no number.
    package let maximum: Double
    package let index: [Int]

    package static let none = ErrorSize(squares: 0, scale: 0, maximum: 0, index: [])

    private init(squares: Double, scale: Double, maximum: Double, index: [Int]) {
        (self.squares, self.scale, self.maximum, self.index) = (squares, scale, maximum, index)
    }

    /// Both row-major, of one shape. Equal infinities and NaN beside NaN differ by nothing.
    package init(_ a: [Double], from b: [Double], shape: Shape) {
        var (squares, scale, maximum, place) = (0.0, 0.0, 0.0, 0)
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                for i in 0..<min(a.count, b.count) {
                    if b[i].isFinite { scale += b[i] * b[i] }
                    let difference = ErrorSize.difference(a[i], b[i])
                    squares += difference * difference
                    if difference > maximum { (maximum, place) = (difference, i) }
                }
            }
        }
        self.init(squares: squares, scale: scale, maximum: maximum, index: shape.index(at: place))
    }

    /// |a − b|; 0 for the same kind of no number, else infinite.
    package static func difference(_ a: Double, _ b: Double) -> Double {
        if a == b || (a.isNaN && b.isNaN) { return 0 }
        let difference = abs(a - b)
        return difference.isNaN ? .infinity : difference
    }

    /// Σ(a − b)² / Σb².
    package var nmse: Double { squares == 0 ? 0 : scale > 0 ? squares / scale : .infinity }
    /// ‖a − b‖ / ‖b‖.
    package var relative: Double { nmse.squareRoot() }
}

extension Stepper {
    /// A step's op in fp64 on given inputs, with the edits on its value.
    func exact(_ number: Int, _ inputs: [Tensor]) throws -> Tensor {
        try edited(program.steps[number].output, op(ofStep: number).exact(inputs, threads: policy.threads))
    }

    /// A value with the edits on it; what they do not touch keeps its digits.
    fileprivate func edited(_ id: Int, _ tensor: Tensor) throws -> Tensor {
        guard !edits.isEmpty else { return tensor }
        let edited = try edits.applied(to: id, tensor, program, text: edits.text)
        guard tensor.type == .f64, edited.type == .f32 else { return edited }
        let pairs = zip(tensor.doubles(), edited.floats())
        return try Tensor(tensor.shape, doubles: pairs.map { Float($0) == $1 ? $0 : Double($1) })
    }
}
