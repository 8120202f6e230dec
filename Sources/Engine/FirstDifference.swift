import Tensors

/// The first value, in running order, in which two runs differ.
package struct FirstDifference: Sendable, Equatable {
    package let name: String
    /// The first element that differs; empty where the shapes do.
    package let index: [Int]
    /// There, in the one run and in the other.
    package let numbers: [Double]

    /// Nil if every value that both runs have is equal, bit for bit. Weights are not looked at; NaN equals NaN.
    package init?(_ one: Stepper, _ other: Stepper) throws {
        for (id, value) in one.program.values.enumerated() where value.role != .weight {
            guard let there = other.program.id(of: value.name), let a = try one.tensor(id), let b = try other.tensor(there) else {
                continue
            }
            guard a.shape.counts == b.shape.counts else {
                self.init(name: value.name, index: [], numbers: [])
                return
            }
            let (x, y) = (a.doubles(), b.doubles())
            guard let place = x.indices.first(where: { x[$0].bitPattern != y[$0].bitPattern && !(x[$0].isNaN && y[$0].isNaN) }) else {
                continue
            }
            self.init(name: value.name, index: a.shape.index(at: place), numbers: [x[place], y[place]])
            return
        }
        return nil
    }

    private init(name: String, index: [Int], numbers: [Double]) {
        (self.name, self.index, self.numbers) = (name, index, numbers)
    }
}
