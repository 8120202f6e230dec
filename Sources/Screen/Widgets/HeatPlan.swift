/// Where the parts of a heat map go in a rectangle, and how many bins it can show: ask for it before pooling.
package struct HeatPlan: Hashable, Sendable {
    /// The cells of the picture itself.
    package let plot: Rect
    /// Bins to pool the source into.
    package let rows: Int
    package let columns: Int
    /// The colour bar's line; empty if there is no room.
    package let bar: Rect
    /// Columns of the row labels at the left of the picture.
    package let labelWidth: Int
    /// Whether column labels stand above the picture.
    package let hasColumnLabels: Bool
    /// Columns of a bin.
    package let binWidth: Int
    /// Height of a bin in half rows; of a bin with a number, in whole rows times two.
    package let binHalves: Int
    /// Whether bins are large enough for numbers, which then show each value.
    package let showsNumbers: Bool

    /// The plan for a source of this size. `labelWidth` is the widest row label, 0 for none.
    package init(_ rect: Rect, source: Size, labelWidth wanted: Int, numbers: Bool = true, bar wantsBar: Bool = true) {
        let hasBar = wantsBar && rect.height >= 2
        let hasLabels = wanted > 0 && rect.height >= 5 && rect.width >= 24
        labelWidth = hasLabels ? min(wanted, rect.width / 4) + 1 : 0
        hasColumnLabels = hasLabels
        bar = hasBar ? Rect(rect.x, rect.bottom - 1, rect.width, 1) : Rect(rect.x, rect.bottom, rect.width, 0)
        let top = hasLabels ? 1 : 0
        let room = Size(rect.width - labelWidth, rect.height - top - bar.height)
        let size = Size(max(source.width, 1), max(source.height, 1))
        let (width, height) = (min(room.width / size.width, 11), min(room.height / size.height, 5))
        showsNumbers = numbers && width >= 4 && height >= 1
        binWidth = showsNumbers ? width : max(1, min(room.width / size.width, 4))
        binHalves = showsNumbers ? 2 * height : max(1, min(2 * room.height / size.height, 4))
        columns = max(0, min(size.width, room.width / binWidth))
        rows = max(0, min(size.height, 2 * room.height / binHalves))
        plot = Rect(rect.x + labelWidth, rect.y + top, columns * binWidth, (rows * binHalves + 1) / 2)
    }

    /// The source index where bin `bin` of `bins` begins.
    static func start(_ bin: Int, of bins: Int, _ length: Int) -> Int {
        bins == 0 ? 0 : bin * length / bins
    }

    /// The bin that holds a source index.
    static func bin(_ index: Int, of bins: Int, _ length: Int) -> Int {
        length == 0 ? 0 : min(max(((index + 1) * bins - 1) / length, 0), max(bins - 1, 0))
    }

    /// The row and column of the source under a cell of the surface, for a mouse click; nil outside the picture.
    package func source(at point: Point, of size: Size) -> (row: Int, column: Int)? {
        guard plot.contains(point), rows > 0, columns > 0 else { return nil }
        let row = min((point.y - plot.y) * 2 / binHalves, rows - 1)
        let column = min((point.x - plot.x) / binWidth, columns - 1)
        return (HeatPlan.start(row, of: rows, size.height), HeatPlan.start(column, of: columns, size.width))
    }
}
