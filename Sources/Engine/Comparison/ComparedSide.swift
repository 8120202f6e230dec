import Tensors

/// What a run is held against: another run, which is stepped beside it, or tensors that something else wrote.
package enum ComparedSide: Sendable {
    case run(Stepper)
    case tensors(NamedTensors)
}

/// Tensors by name, such as a file of what PyTorch's modules returned.
package struct NamedTensors: Sendable {
    /// The file, for messages.
    package let title: String
    package let tensors: [String: Tensor]
    /// In the order of the file.
    package let names: [String]

    package init(title: String, _ tensors: [(name: String, tensor: Tensor)]) {
        self.title = title
        names = tensors.map(\.name)
        self.tensors = Dictionary(tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
    }
}

extension NamedTensors {
    /// A value by any of its names, laid out as the program has it; nil where that cannot be done.
    func tensor(of value: Value, in program: Program) throws -> Tensor? {
        guard let tensor = ([value.name] + value.aliases).lazy.compactMap({ tensors[$0] }).first else { return nil }
        return try Layout.fitted(Layout.own(tensor, of: value, in: program), to: value.shape).tensor
    }
}

/// A tensor laid out as the value it is compared with.
enum Layout {
    /// The other's elements in the shape wanted, or why they cannot be taken for it. Axes of one element do not count, and neighbouring axes
    /// may be one on the other side: in both cases the elements lie in the same order.
    static func fitted(_ tensor: Tensor, to shape: Shape) throws -> (tensor: Tensor?, mismatch: String?) {
        if tensor.shape.counts == shape.counts { return (tensor, nil) }
        let (own, wanted) = (tensor.shape.counts.filter { $0 != 1 }, shape.counts.filter { $0 != 1 })
        guard own == wanted || areMerged(own, wanted) || areMerged(wanted, own) else { return (nil, reason(tensor.shape, shape)) }
        return (try tensor.rowMajor().view(shape), nil)
    }

    /// A value of a file as it is kept here: transformers hides a key by adding the lowest number of the format to its score, which is −65504
    /// or further down.
    static func own(_ tensor: Tensor, of value: Value, in program: Program) throws -> Tensor {
        guard value.step.map({ program.steps[$0].op is AttentionScores }) ?? false else { return tensor }
        return try Tensor(tensor.shape, tensor.floats().map { $0 < -6e4 ? -.infinity : $0 })
    }

    /// Whether `few` is `many` with neighbouring axes taken together.
    private static func areMerged(_ many: [Int], _ few: [Int]) -> Bool {
        let ends = Set(products(many))
        return products(few).allSatisfy(ends.contains) && products(many).last == products(few).last
    }

    private static func products(_ counts: [Int]) -> [Int] {
        var product = 1
        return counts.map { count in
            product *= count
            return product
        }
    }

    private static func reason(_ other: Shape, _ shape: Shape) -> String {
        let sizes = "\(shape) here, \(other) there"
        if other.rank == shape.rank + 1, other[0] > 1, Array(other.counts.dropFirst()) == shape.counts {
            return "\(sizes): a batch of \(other[0]); one text is compared"
        }
        if other.elementCount == shape.elementCount { return "\(sizes): as many elements, but their axes stand in another order" }
        if let tokens = shape.count(of: .token), let row = other.counts.dropLast().last, row != tokens, other.rowLength == shape.rowLength {
            return "\(sizes): \(tokens) tokens here, \(row) there"
        }
        return sizes
    }
}

extension Tensor {
    fileprivate func rowMajor() throws -> Tensor {
        if isContiguous, type != .nf4 { return self }
        return type == .f64 ? try Tensor(shape, doubles: doubles()) : try contiguous()
    }
}
