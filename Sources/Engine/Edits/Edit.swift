import Tensors

/// A change made by hand to a run: "what if this number were another one". A value of its own, one line of text, undone by taking it
/// off the list. Whatever lies downstream is computed again.
package struct Edit: Sendable, Hashable {
    package enum Target: Sendable, Hashable {
        /// A part of every value with this name (or alias), or that fits the pattern (`*`, `?`).
        case values(String, CellSelection)
        /// What a head adds to the context.
        case head(layer: Int, head: Int)
        /// What the attention or the MLP of a layer adds to the stream.
        case block(layer: Int, Block)
        /// Whether queries see keys; nil: in every layer, in every head.
        case mask(layer: Int?, head: Int?, query: CellSelection.Range, key: CellSelection.Range)
    }

    package enum Block: String, Sendable, Hashable, CaseIterable { case attention, mlp }

    package enum Change: Sendable, Hashable {
        case set(Double)
        case zero
        case scale(Double)
        case shift(Double)
        /// Normal noise of this deviation. A number depends on seed, value and index alone.
        case noise(Double, seed: UInt64)
        /// The same part of another run's value (activation patching: Vig et al. 2020, Meng et al. 2022).
        case copy(from: String)
        /// A norm keeps the scale that it had in the unedited run; it becomes linear (Elhage et al. 2021).
        case freeze
        /// −∞ in the scores.
        case hide
        /// The score that q and k give, mask or not.
        case show
    }

    package let target: Target
    package let change: Change

    package init(_ target: Target, _ change: Change) {
        self.target = target
        self.change = change
    }
}

/// The line that `Edit.init(_:)` reads.
extension Edit: CustomStringConvertible {
    package var description: String {
        let place = target.description
        switch (target, change) {
        case (.head, _), (.block, _): return "knock-out \(place)"
        case (.mask, .show): return "mask \(place)".replacing(" key ", with: " show key ")
        case (.mask, _): return "mask \(place)".replacing(" key ", with: " hide key ")
        case (_, .set(let value)): return "set \(place) = \(value)"
        case (_, .zero): return "zero \(place)"
        case (_, .scale(let factor)): return "scale \(place) by \(factor)"
        case (_, .shift(let term)): return "shift \(place) by \(term)"
        case (_, .noise(let sigma, let seed)): return "noise \(place) by \(sigma) seed \(seed)"
        case (_, .copy(let run)): return "copy \(place) from \(run)"
        case (_, .freeze): return "freeze \(place)"
        case (_, .hide): return "hide \(place)"
        case (_, .show): return "show \(place)"
        }
    }
}

extension Edit.Target: CustomStringConvertible {
    package var description: String {
        switch self {
        case .values(let name, let selection): return "\(name)\(selection)"
        case .head(let layer, let head): return "L\(layer)H\(head)"
        case .block(let layer, let block): return "L\(layer) \(block.rawValue)"
        case .mask(let layer, let head, let query, let key):
            let place = layer.map { "L\($0)" + (head.map { "H\($0)" } ?? "") } ?? "*"
            return "\(place) key \(key) query \(query)"
        }
    }
}

/// Why an edit cannot be made.
package struct EditError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    package init(_ rule: String) { self.rule = rule }
    package var description: String { rule }
}
