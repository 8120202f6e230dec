import Tensors

/// A part of a value: one range an axis. `[3, 17]`, `[3, :]`, `[2:5]` by place, `[head 3]`, `[token -1]` by the axes' names; axes that
/// are not named are whole. Tokens, queries and keys count from the beginning of the text, also where a pass holds only its end.
package struct CellSelection: Sendable, Hashable, CustomStringConvertible {
    package enum Range: Sendable, Hashable, CustomStringConvertible {
        case all
        /// Negative: from the end, −1 is the last.
        case one(Int)
        /// From the first up to, not including, the second; nil: from the beginning, to the end.
        case span(Int?, Int?)

        package var description: String {
            switch self {
            case .all: ":"
            case .one(let index): "\(index)"
            case .span(let low, let high): "\(low.map(String.init) ?? ""):\(high.map(String.init) ?? "")"
            }
        }
    }

    package struct Item: Sendable, Hashable, CustomStringConvertible {
        /// Nil: the next axis that no other item names.
        package let axis: Axis.Name?
        package let range: Range

        package init(_ axis: Axis.Name? = nil, _ range: Range) {
            self.axis = axis
            self.range = range
        }

        package var description: String { axis.map { "\($0.rawValue) \(range)" } ?? "\(range)" }
    }

    package let items: [Item]

    package init(_ items: [Item] = []) { self.items = items }

    /// Empty for a whole value.
    package var description: String { items.isEmpty ? "" : "[" + items.map(\.description).joined(separator: ", ") + "]" }
}

extension CellSelection {
    /// Reads what stands between the brackets.
    package init(inside text: String) throws(EditError) {
        var items: [Item] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) { items.append(try CellSelection.item(part)) }
        self.items = items
    }

    private static func item(_ part: Substring) throws(EditError) -> Item {
        var words = part.split(separator: " ").map(String.init)
        guard let last = words.popLast() else { throw EditError("an index is missing between the brackets; write [3, :] or [head 3]") }
        let name = words.joined(separator: " ")
        let range = try range(last)
        if name.isEmpty { return Item(nil, range) }
        guard let axis = Axis.Name(rawValue: name) else {
            throw EditError("'\(name)' is no axis; axes are called token, query, key, head, kv head, feature and so on")
        }
        return Item(axis, range)
    }

    static func range(_ text: String) throws(EditError) -> Range {
        if text == ":" || text == "*" { return .all }
        let ends = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let numbers = ends.map { Int($0) }
        let isFine = zip(ends, numbers).allSatisfy { $0.isEmpty || $1 != nil }
        if ends.count == 1, let index = numbers[0] { return .one(index) }
        if ends.count == 2, isFine { return .span(numbers[0], numbers[1]) }
        throw EditError("'\(text)' is no index; write 3, -1 for the last, 2:5 for 2 to 4, or : for all")
    }
}

/// Which indices of an axis there are: rows of a text begin where the pass does.
struct AxisWindow {
    let axis: Axis
    /// What the first row is called.
    let first: Int
    /// Indices below it may be written; rows of a text that come later are none of this pass.
    let horizon: Int

    init(_ axis: Axis, _ text: TextWindow) {
        self.axis = axis
        let isText = [.token, .query, .key].contains(axis.name)
        first = isText ? max(text.end - axis.count, 0) : 0
        horizon = isText ? max(text.horizon, first + axis.count) : axis.count
    }

    /// The rows of a range, counted from the axis' first; none if they belong to another pass.
    func rows(_ range: CellSelection.Range, of name: String) throws(EditError) -> Swift.Range<Int> {
        let end = first + axis.count
        let low: Int
        let high: Int
        switch range {
        case .all: return 0..<axis.count
        case .one(let index): (low, high) = (index < 0 ? end + index : index, index < 0 ? end + index + 1 : index + 1)
        case .span(let from, let to): (low, high) = (from.map { $0 < 0 ? end + $0 : $0 } ?? 0, to.map { $0 < 0 ? end + $0 : $0 } ?? horizon)
        }
        guard low >= 0, low < high, high <= horizon else {
            throw EditError("\(name): \(axis.name.rawValue) \(range) lies outside 0…\(horizon - 1)")
        }
        let rows = (max(low, first) - first, min(high, end) - first)
        return rows.0 < rows.1 ? rows.0..<rows.1 : 0..<0
    }
}

/// Where a pass lies in its text.
package struct TextWindow: Sendable, Hashable {
    /// Tokens before the pass.
    package var first: Int
    /// Tokens up to the end of the pass.
    package var end: Int
    /// The longest text that edits may speak of: more than `end` where tokens are still to come.
    package var horizon: Int

    package init(first: Int = 0, end: Int, horizon: Int? = nil) {
        self.first = first
        self.end = end
        self.horizon = max(horizon ?? end, end)
    }
}

extension CellSelection {
    /// The rows of each axis. `heads` says how many heads lie side by side in the last axis, where a head is asked for and no axis is one.
    func ranges(in shape: Shape, of name: String, text: TextWindow, heads: HeadRange?) throws(EditError) -> [Swift.Range<Int>] {
        var found: [Swift.Range<Int>?] = Array(repeating: nil, count: shape.rank)
        for item in items {
            guard let axis = item.axis else { continue }
            let place = shape.axes.firstIndex { $0.name == axis }
            if let place, found[place] == nil {
                found[place] = try AxisWindow(shape.axes[place], text).rows(item.range, of: name)
            } else if place == nil, axis == .head, let heads, let last = found.indices.last, found[last] == nil {
                found[last] = try heads.features(item.range, of: name)
            } else {
                let axes = shape.axes.map(\.name.rawValue).joined(separator: ", ")
                throw EditError("\(name) \(place == nil ? "has no" : "is told twice its") \(axis.rawValue); its axes are \(axes)")
            }
        }
        var free = found.indices.filter { found[$0] == nil }[...]
        for item in items where item.axis == nil {
            guard let place = free.popFirst() else {
                throw EditError("\(name) has \(shape.rank) axes (\(shape.spoken)), fewer than \(self) says")
            }
            found[place] = try AxisWindow(shape.axes[place], text).rows(item.range, of: name)
        }
        return found.enumerated().map { $1 ?? 0..<shape[$0] }
    }
}

/// Heads that lie side by side in the last axis of a value.
struct HeadRange: Sendable, Hashable {
    let count: Int
    let dimension: Int
    let offset: Int

    func features(_ range: CellSelection.Range, of name: String) throws(EditError) -> Range<Int> {
        let heads = try AxisWindow(Axis(.head, count), TextWindow(end: 0)).rows(range, of: name)
        return offset + heads.lowerBound * dimension..<offset + heads.upperBound * dimension
    }
}

extension Shape {
    /// Calls `body` with the row-major position of every element of a box.
    func forEachPosition(in ranges: [Range<Int>], _ body: (Int) -> Void) {
        guard ranges.count == rank, ranges.allSatisfy({ !$0.isEmpty }) else { return }
        guard let last = ranges.last else { return body(0) }
        var index = ranges.map(\.lowerBound)
        while true {
            let start = position(of: index) ?? 0
            for step in 0..<last.count { body(start + step) }
            var axis = rank - 2
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < ranges[axis].upperBound { break }
                index[axis] = ranges[axis].lowerBound
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
