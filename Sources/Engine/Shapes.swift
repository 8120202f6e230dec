import Tensors

/// Checks that ops share.
package enum Shapes {
    /// As many inputs as ranks, each with its rank.
    package static func expect(_ inputs: [Shape], ranks: Int...) throws(ShapeError) {
        if inputs.count != ranks.count { throw ShapeError("takes \(ranks.count) inputs, got \(inputs.count)") }
        for (number, (shape, rank)) in zip(inputs, ranks).enumerated() where shape.rank != rank {
            throw ShapeError("input \(number) must have \(rank) axes, is \(shape)")
        }
    }

    package static func expectEqual(_ a: Int, _ b: Int, _ what: String) throws(ShapeError) {
        if a != b { throw ShapeError("\(what): \(a) is not \(b)") }
    }

    package static func expectSame(_ inputs: [Shape]) throws(ShapeError) {
        for shape in inputs.dropFirst() where shape.counts != inputs[0].counts {
            throw ShapeError("shapes differ: \(inputs[0]) and \(shape)")
        }
    }
}
