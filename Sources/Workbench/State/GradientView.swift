import Engine

/// Where the Grad screen stands, beyond the selected value and cell that it shares with the other screens.
package struct GradientView: Sendable, Hashable {
    /// What the right picture shows: the gradient, or what plain SGD would add to the weight.
    package enum Part: String, CaseIterable, Sendable { case gradient, update }

    /// The selected row, for as long as this value is selected; else the row follows from the value.
    package var row: Chosen?
    /// Layers whose steps are folded away.
    package var folded: Set<Int> = []
    package var showsValueLarge = false
    package var part = Part.gradient
    /// lr of the update that is shown.
    package var learningRate = 1e-3
    /// The last element whose slope was asked for.
    package var check: Element?
    /// The first line of the formula that is shown.
    package var formulaLine = 0

    package init() {}

    package struct Chosen: Sendable, Hashable {
        package let row: ReverseList.Row
        package let value: ValueRef
    }

    /// One number of a forward value.
    package struct Element: Sendable, Hashable {
        package let value: Int
        package let index: [Int]
    }
}
