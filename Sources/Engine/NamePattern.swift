/// A pattern over value names: `*` stands for any characters, `?` for one; without either, the whole name or a dotted part of it
/// (`scores`, `layers.3`, `layers.3.mlp`).
package struct NamePattern: Sendable, Hashable, CustomStringConvertible {
    package let text: String
    private let pattern: [UInt8]
    private let isWild: Bool
    private let matchesAll: Bool

    package init(_ text: String) {
        self.text = text
        pattern = Array(text.utf8)
        matchesAll = text == "*"
        isWild = text.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
    }

    package var description: String { text }

    package func matches(_ name: String) -> Bool {
        if matchesAll { return true }
        let name = Array(name.utf8)
        return isWild ? wild(name) : part(name)
    }

    /// The pattern stands in the name between dots or ends.
    private func part(_ name: [UInt8]) -> Bool {
        guard !pattern.isEmpty, pattern.count <= name.count else { return false }
        let dot = UInt8(ascii: ".")
        return (0...name.count - pattern.count).contains { start in
            let end = start + pattern.count
            return (start == 0 || name[start - 1] == dot) && (end == name.count || name[end] == dot)
                && name[start..<end].elementsEqual(pattern)
        }
    }

    /// Backtracks to the last `*` only: linear in practice, quadratic at worst.
    private func wild(_ name: [UInt8]) -> Bool {
        var at = 0
        var p = 0
        var star = -1
        var mark = 0
        while at < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                (star, mark, p) = (p, at, p + 1)
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[at] {
                (at, p) = (at + 1, p + 1)
            } else if star >= 0 {
                mark += 1
                (at, p) = (mark, star + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
