import Engine
import Tensors

/// How a model's adapter takes part in what is computed. Nothing of the model is lost: another mode of the same model gives its bits again.
package struct AdapterMode: Sendable, Hashable {
    package enum Place: String, Sendable, CaseIterable {
        /// As steps of its own beside the matrices.
        case beside
        /// Added into the matrices.
        case merged
        /// Not there at all: the base.
        case unloaded
    }

    /// 1 as it was trained, 0 off; any other number weakens, strengthens or turns it round.
    package var strength: Double
    package var place: Place

    package init(strength: Double = 1, place: Place = .beside) { (self.strength, self.place) = (strength, place) }

    /// In words, for a line.
    package var words: String {
        switch place {
        case .unloaded: "unloaded"
        case .merged: strength == 1 ? "merged" : "merged × \(strength)"
        case .beside: strength == 0 ? "off" : strength == 1 ? "on" : "× \(strength)"
        }
    }

    /// The model with its adapter in this mode; a model without one stays as it is. What training drops out is not dropped here.
    package func applied(to model: Model, threads: Int) throws -> Model {
        guard model.adapter != nil else { return model }
        var changed = model
        changed.adapter?.dropout = 0
        changed.adapter?.strength = strength
        switch place {
        case .beside: return changed
        case .merged: return try changed.merged(threads: threads)
        case .unloaded:
            changed.adapter = nil
            changed.replacements = changed.replacements.filter { !LowRank.isFactor($0.key) }
            return changed
        }
    }
}
