/// What a heat map shows: bins of a matrix, each with its largest value by magnitude and what else is in it.
///
/// Made by whoever holds the numbers; a widget never touches a tensor. Bin r of `rows` covers the source rows from r·height/rows up to
/// (r+1)·height/rows, both rounded down; columns likewise.
package struct PooledGrid: Hashable, Sendable {
    /// What a bin contains. A bin with no flag at all holds nothing.
    package static let nan: UInt8 = 1
    package static let posInf: UInt8 = 2
    package static let negInf: UInt8 = 4
    package static let finite: UInt8 = 8
    /// A place that takes no part, such as masked attention: drawn as background.
    package static let masked: UInt8 = 16

    package var rows: Int
    package var columns: Int
    /// Row after row: the finite value of largest magnitude, with its sign.
    package var values: [Float]
    package var flags: [UInt8]
    /// The size of what was pooled.
    package var sourceHeight: Int
    package var sourceWidth: Int

    /// A grid; arrays of a wrong length are cut or padded with nothing.
    package init(rows: Int, columns: Int, values: [Float], flags: [UInt8], sourceHeight: Int, sourceWidth: Int) {
        (self.rows, self.columns) = (max(rows, 0), max(columns, 0))
        let count = self.rows * self.columns
        self.values = Array(values.prefix(count)) + Array(repeating: 0, count: max(0, count - values.count))
        self.flags = Array(flags.prefix(count)) + Array(repeating: 0, count: max(0, count - flags.count))
        (self.sourceHeight, self.sourceWidth) = (max(sourceHeight, 1), max(sourceWidth, 1))
    }

    /// A small matrix as it is, one value a bin.
    package init(rows: Int, columns: Int, values: [Float]) {
        let flags = values.map { value -> UInt8 in
            if value.isNaN { return PooledGrid.nan }
            return value.isInfinite ? (value > 0 ? PooledGrid.posInf : PooledGrid.negInf) : PooledGrid.finite
        }
        self.init(
            rows: rows, columns: columns, values: values.map { $0.isFinite ? $0 : 0 }, flags: flags, sourceHeight: rows,
            sourceWidth: columns)
    }

    /// What a bin shows: NaN before Inf before a value.
    enum Content: Equatable {
        case nothing, nan, posInf, negInf
        case value(Float)
    }

    func content(_ row: Int, _ column: Int) -> Content {
        guard row >= 0, row < rows, column >= 0, column < columns else { return .nothing }
        let index = row * columns + column
        let flag = flags[index]
        if flag & PooledGrid.nan != 0 { return .nan }
        if flag & PooledGrid.masked != 0 { return .nothing }
        if flag & PooledGrid.posInf != 0 { return .posInf }
        if flag & PooledGrid.negInf != 0 { return .negInf }
        return flag & PooledGrid.finite != 0 ? .value(values[index]) : .nothing
    }
}

extension PooledGrid.Content {
    /// The role and glyph of a value that is none.
    var sign: (Role, Unicode.Scalar)? {
        switch self {
        case .nan: (.nan, "N")
        case .posInf: (.posInf, "▲")
        case .negInf: (.negInf, "▼")
        case .nothing, .value: nil
        }
    }

    /// The worse of two: NaN, then +Inf, then −Inf.
    static func worse(_ first: Self, _ second: Self) -> Self {
        for bad in [Self.nan, .posInf, .negInf] where first == bad || second == bad { return bad }
        return first
    }
}
