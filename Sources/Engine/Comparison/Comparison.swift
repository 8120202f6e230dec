import Tensors

/// A run against another, value by value in running order.
package struct Comparison: Sendable {
    package internal(set) var rows: [ValueDifference] = []
    /// Values that one side alone has, in its own order.
    package let onlyHere: [String]
    package let onlyThere: [String]
    /// Of the distributions over the next token; nil where a side has no logits, or for another vocabulary.
    package internal(set) var divergence: Divergence?
    /// Places in `rows` of the stream after the embedding and after each layer.
    package internal(set) var stream: [Int] = []

    init(onlyHere: [String], onlyThere: [String]) { (self.onlyHere, self.onlyThere) = (onlyHere, onlyThere) }

    /// The place of the first value that is further apart than it may be.
    package var firstBeyond: Int? { rows.firstIndex(where: \.isBeyond) }

    /// What the names of the other side lack before the program's, as those of a base model's modules do: `model.`
    package var missingPrefix: String? {
        onlyThere.lazy.compactMap { name in onlyHere.first { $0.hasSuffix("." + name) }?.dropLast(name.count) }.first.map(String.init)
    }

    /// Why nothing can be compared, where no name is on both sides.
    package var nothingShared: String {
        let (here, there) = (onlyHere.first ?? "nothing", onlyThere.first ?? "nothing")
        return "no value has the same name on both sides: here there is \(here), there \(there)\(advice.map { "; \($0)" } ?? "")"
    }

    /// What to do about names that lack their beginning.
    package var advice: String? {
        missingPrefix.map { "names there lack '\($0)': put it before them, or hook the whole model with its head" }
    }

    /// Whether everything compared is the same, bit for bit.
    package var isIdentical: Bool { rows.allSatisfy(\.isIdentical) }
}
