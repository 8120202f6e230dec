/// Where the Compare screen stands.
package struct CompareView: Sendable, Hashable {
    /// What the plot has to the right.
    package enum Axis: String, CaseIterable, Sendable { case layers, values }

    /// The selected run, counted from 0.
    package var line = 0
    /// The selected value's name; nil: the first that is beyond the tolerance, else the last.
    package var value: String?
    /// The slice of the pictures; nil: that of the worst element.
    package var leading: Int?
    package var axis = Axis.layers
    /// Whether the box of an element has samples of the rounding.
    package var isSampling = false

    package init() {}
}
