import Engine
import Tensors

/// A value of the run on the screen: of the model's program, or of an op that was stepped into (level 1, 2, …).
package struct ValueRef: Hashable, Sendable {
    package var level: Int
    package var id: Int

    package init(level: Int = 0, id: Int) {
        self.level = level
        self.id = id
    }
}

/// Two axes of a value, as a picture shows them.
package struct Slice: Hashable, Sendable {
    package var value: ValueRef
    /// Index of the first axis where there are three (a head).
    package var leading: Int
    package var transposed: Bool

    package init(_ value: ValueRef, leading: Int = 0, transposed: Bool = false) {
        self.value = value
        self.leading = leading
        self.transposed = transposed
    }

    /// Rows and columns of a tensor: its last two axes, one row if it has one axis only.
    package func plane(of tensor: Tensor) -> Tensor {
        var plane = tensor
        while plane.shape.rank > 2 { plane = plane[min(max(leading, 0), max(plane.shape[0] - 1, 0))] }
        if plane.shape.rank < 2 {
            let axis = plane.shape.axes.first ?? Axis(.item, 1)
            plane = plane.view(Shape([Axis(.item, 1), axis]), strides: [axis.count, 1])
        }
        guard transposed else { return plane }
        return plane.view(Shape(plane.shape.axes.reversed()), strides: plane.strides.reversed())
    }

    /// The index into the value of a row and a column of the plane.
    package func index(row: Int, column: Int, shape: Shape) -> [Int] {
        let (r, c) = transposed ? (column, row) : (row, column)
        switch shape.rank {
        case 0: return []
        case 1: return [c]
        case 2: return [r, c]
        default: return [leading, r, c]
        }
    }
}

/// What a screen wants to know that takes a walk over a tensor. The engine thread answers; the same question has the same answer for
/// as long as the run has the same number.
package enum Request: Hashable, Sendable {
    /// A heat map of so many bins.
    case picture(Slice, rows: Int, columns: Int)
    /// Statistics, quantiles, histogram.
    case detail(ValueRef, bins: Int)
    /// One row of a plane.
    case row(Slice, Int)
    /// Where a number came from and where it went.
    case lineage(ValueRef, index: [Int])
    /// Likeliest next tokens of every position.
    case predictions(count: Int)
    /// What each layer would say at the positions.
    case lens(Range<Int>, count: Int)
    /// How likely each token of the text was before it came; `count` tokens have been read to the end.
    case scores(count: Int)
    /// How the tokenizer came to the tokens of the text, which is empty where ids were given.
    case stories(text: String)
    /// Elements equal to or beyond a number, for the search.
    case find(ValueRef, NumberQuery)
    /// What the attention screen shows.
    case attention(AttentionQuestion)
    /// What the RoPE screen shows.
    case rope(RopeQuestion)
    /// What the Grad screen shows.
    case gradient(GradientQuestion)
    /// What the Numerics screen shows.
    case numerics(NumericsQuestion)
    /// The tokens of the batch's row that is walked through; `walked` when their losses have been computed.
    case batchRow(walked: Bool)
    /// A weight that is trained, or its last update.
    case trained(TrainedQuestion)
    /// What the adapter does to each layer of the run.
    case adapterEffect
    /// What one kernel of the value's op does here.
    case kernel(ValueRef, name: String)
}

/// What a search for numbers looks for.
package struct NumberQuery: Hashable, Sendable {
    package enum Comparison: String, Sendable { case over = ">", under = "<", near = "=", nonFinite = "!" }

    package let comparison: Comparison
    package let number: Double
}

package enum Answer: Sendable {
    case picture(Pooled)
    case detail(Detail)
    case row([Float])
    case lineage(Lineage, uses: [Lineage.Use])
    case predictions([TokenRanking])
    case lens(LogitLens)
    case scores([TokenScore?])
    case stories(TokenStories)
    case found([Int]?)
    case attention(AttentionAnswer)
    case rope(RopeAnswer)
    case gradient(GradientAnswer)
    case numerics(NumericsAnswer)
    case batchRow(BatchRowReading)
    case trained(TrainedAnswer)
    case adapterEffect(AdapterEffect)
    case kernel(KernelReading)
    case failed(String)
}

/// What is known of a whole value.
package struct Detail: Sendable {
    package let statistics: Statistics
    /// |x| quantiles over at most 65536 evenly spaced finite elements: p50, p99, p99.9 (as magnitudes) and p0.1, p99.9 of x itself.
    package let magnitude50: Float
    package let magnitude99: Float
    package let magnitude999: Float
    package let low: Float
    package let high: Float
    /// Counts of equal bins over [min, max].
    package let histogram: [UInt32]

    init(_ tensor: Tensor, statistics: Statistics, bins: Int, threads: Int) throws {
        self.statistics = statistics
        let sample = Detail.sample(tensor)
        let sizes = sample.map(abs).sorted()
        let values = sample.sorted()
        magnitude50 = Detail.quantile(sizes, 0.5)
        magnitude99 = Detail.quantile(sizes, 0.99)
        magnitude999 = Detail.quantile(sizes, 0.999)
        low = Detail.quantile(values, 0.001)
        high = Detail.quantile(values, 0.999)
        let top = statistics.max > statistics.min ? statistics.max.nextUp : statistics.min + max(abs(statistics.min), 1)
        histogram = try tensor.histogram(low: statistics.min, high: top, bins: bins, threads: threads)
    }

    private static func sample(_ x: Tensor) -> [Float] {
        let count = x.elementCount
        let step = max(1, count / 65536)
        return stride(from: 0, to: count, by: step).compactMap { position in
            let place = x.isContiguous ? position : x.place(of: x.shape.index(at: position)) ?? 0
            let value = Float(x.value(place: place))
            return value.isFinite ? value : nil
        }
    }

    private static func quantile(_ sorted: [Float], _ q: Double) -> Float {
        sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * q))]
    }
}
