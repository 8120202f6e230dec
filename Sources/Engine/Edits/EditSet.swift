import Tensors

/// Another run from which edits copy: finished, unedited, its values in memory or made again.
package struct EditRun: Sendable {
    package let ids: [Int]
    package let stepper: Stepper

    package init(ids: [Int], stepper: Stepper) {
        self.ids = ids
        self.stepper = stepper
    }
}

/// Edits in order, and the runs that they copy from, by name.
package struct EditSet: Sendable {
    package var edits: [Edit]
    package var runs: [String: EditRun]

    package init(_ edits: [Edit] = [], runs: [String: EditRun] = [:]) {
        self.edits = edits
        self.runs = runs
    }
}

/// A change of a part of one value. Equal ones do the same.
struct EditedCells: Sendable, Equatable {
    let selection: CellSelection
    let change: Edit.Change
    /// Where the heads lie, if the value has no axis of heads and one was named.
    let heads: HeadRange?
    /// The ids of the run that is copied from.
    let source: [Int]?
}

/// The op that runs in the place of a step's own.
struct EditSubstitute: Sendable {
    enum Reason: Sendable, Equatable {
        /// One scale a row.
        case frozen([Double])
        /// A mask with more to see than the model's.
        case opened
    }

    let reason: Reason
    let op: any Op

    init(_ reason: Reason, _ op: any Op) {
        self.reason = reason
        self.op = op
    }

    /// In the formats and by the kernel of the op whose place it has.
    func choice(like choice: Policy.Choice) -> Policy.Choice {
        var own = choice
        (own.kernel, own.deputy) = (op.kernel(named: choice.kernelName).flatMap { $0.fusion == nil ? $0 : op.kernels.first }, nil)
        return own.resolved()
    }
}
