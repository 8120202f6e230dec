import Engine
import Screen
import Tensors

/// Moving about: which value, which number, and the way back.
extension Session {
    package var location: Location { Location(page: page, place: place) }

    package mutating func remember() {
        if history.last != location { history.append(location) }
        if history.count > 200 { history.removeFirst() }
    }

    package mutating func go(to location: Location) {
        page = location.page
        place = location.place
        clampPlace()
    }

    /// Selects a value; in the tree it becomes visible.
    package mutating func select(_ value: ValueRef, remember: Bool = true) {
        guard value != place.value else { return }
        if remember { self.remember() }
        place.value = value
        tree.cursor = nil
        if value.level == 0, let name = selectedValue?.name { tree.reveal(name) }
        clampPlace()
    }

    /// Puts the cursor on an element of the selected value.
    package mutating func moveCursor(to index: [Int]) {
        switch index.count {
        case 0: break
        case 1: (place.row, place.column) = view.isTransposed ? (index[0], 0) : (0, index[0])
        default:
            if index.count > 2 { place.leading = index[index.count - 3] }
            let (row, column) = (index[index.count - 2], index[index.count - 1])
            (place.row, place.column) = view.isTransposed ? (column, row) : (row, column)
        }
        clampPlace()
    }

    /// Rows and columns of the selected plane.
    package var planeSize: (rows: Int, columns: Int) {
        let shape = selectedTensor?.shape ?? selectedValue?.shape ?? Shape([])
        let size = shape.rank < 2 ? (1, max(shape.elementCount, 1)) : (shape[shape.rank - 2], shape[shape.rank - 1])
        return view.isTransposed ? (size.1, size.0) : size
    }

    /// How many slices the leading axis has.
    package var leadingCount: Int {
        let shape = selectedTensor?.shape ?? selectedValue?.shape ?? Shape([])
        return shape.rank > 2 ? shape[shape.rank - 3] : 1
    }

    package mutating func clampPlace() {
        // A mark or a step back may point at what another op or model had.
        if snapshot != nil, shown == nil { place.value = ValueRef(id: 0) }
        if let count = shown?.program.values.count, place.value.id >= count { place.value.id = 0 }
        let (rows, columns) = planeSize
        place.row = min(max(place.row, 0), max(rows - 1, 0))
        place.column = min(max(place.column, 0), max(columns - 1, 0))
        place.leading = min(max(place.leading, 0), max(leadingCount - 1, 0))
    }

    /// Moves the cursor over the selected plane; `height` is how many rows a page has.
    package mutating func movePlane(_ step: Move, height: Int = 20) -> Bool {
        let (rows, columns) = planeSize
        switch step {
        case .by(let dx, let dy): (place.row, place.column) = (place.row + dy, place.column + dx)
        case .pages(let pages): place.row += Int(Double(height) * pages)
        case .rowStart: place.column = 0
        case .rowEnd: place.column = columns - 1
        case .first: (place.row, place.column) = (0, 0)
        case .last: (place.row, place.column) = (rows - 1, columns - 1)
        case .leading(let by), .head(let by): place.leading += by
        case .layer(let by): return moveLayer(by)
        case .out: return false
        }
        clampPlace()
        return true
    }

    /// The same value in another layer.
    package mutating func moveLayer(_ by: Int) -> Bool {
        guard place.value.level == 0, let name = selectedValue?.name, let path = LayerPath(name) else { return false }
        let rest = path.rest.isEmpty ? "" : "." + path.rest
        guard let other = value(named: "\(path.prefix)\(path.layer + by)\(rest)") else { return false }
        let row = place
        select(other)
        (place.row, place.column, place.leading) = (row.row, row.column, row.leading)
        clampPlace()
        return true
    }
}
