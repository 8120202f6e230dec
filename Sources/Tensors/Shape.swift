/// One named dimension.
package struct Axis: Hashable, Sendable {
    package enum Name: String, Sendable {
        case token, query, key, head, kvHead = "kv head", feature, vocabulary, pair, position, output, input, item
    }

    package let name: Name
    package let count: Int

    package init(_ name: Name, _ count: Int) {
        self.name = name
        self.count = count
    }
}

/// Named axes, slowest first. No axes: one number.
package struct Shape: Hashable, Sendable, CustomStringConvertible {
    package let axes: [Axis]

    package init(_ axes: [Axis]) { self.axes = axes }
    package init(_ axes: (Axis.Name, Int)...) { self.axes = axes.map { Axis($0.0, $0.1) } }

    package var rank: Int { axes.count }
    package var counts: [Int] { axes.map(\.count) }
    package var elementCount: Int { axes.reduce(1) { $0 * $1.count } }
    /// The last axis, along which norms and softmax reduce.
    package var rowLength: Int { axes.last?.count ?? 1 }
    package var rowCount: Int { axes.dropLast().reduce(1) { $0 * $1.count } }

    package subscript(_ axis: Int) -> Int { axis >= 0 && axis < axes.count ? axes[axis].count : 1 }

    /// Whether the axes are as long as another shape's, whatever they are called.
    package func isAsLong(as other: Shape) -> Bool {
        guard axes.count == other.axes.count else { return false }
        for axis in axes.indices where axes[axis].count != other.axes[axis].count { return false }
        return true
    }

    package func count(of name: Axis.Name) -> Int? { axes.first { $0.name == name }?.count }

    package func replacingLast(_ axis: Axis) -> Shape { Shape(axes.dropLast() + [axis]) }

    /// `[24, 64]`
    package var description: String { "[" + axes.map { String($0.count) }.joined(separator: ", ") + "]" }
    /// `24 token × 64 feature`
    package var spoken: String { axes.isEmpty ? "one number" : axes.map { "\($0.count) \($0.name.rawValue)" }.joined(separator: " × ") }

    /// The index of the element that stands at `position` in row-major order.
    package func index(at position: Int) -> [Int] {
        var rest = position
        return axes.reversed().map { axis in
            defer { rest /= max(axis.count, 1) }
            return rest % max(axis.count, 1)
        }.reversed()
    }

    /// The row-major position of an index, or nil if it lies outside.
    package func position(of index: [Int]) -> Int? {
        guard index.count == axes.count else { return nil }
        var position = 0
        for (i, axis) in zip(index, axes) {
            guard i >= 0, i < axis.count else { return nil }
            position = position * axis.count + i
        }
        return position
    }
}
