import RealModule
import Tensors

/// What the next-token distributions should be, after each token of a text: the oracle's logits [token, vocabulary].
package struct Truth: Sendable {
    package let shape: Shape
    fileprivate let logits: [Double]
    fileprivate let probabilities: [Double]
    fileprivate let tops: [Int]

    /// Nil if the oracle has not come to the logits.
    package init?(_ oracle: Oracle) {
        guard let logits = oracle.program.id(of: "logits").flatMap(oracle.tensor), logits.shape.rank == 2 else { return nil }
        self.init(logits)
    }

    package init(_ logits: Tensor) {
        shape = logits.shape
        self.logits = logits.doubles()
        (probabilities, tops) = Truth.softmax(self.logits, length: logits.shape.rowLength)
    }

    private static func softmax(_ logits: [Double], length: Int) -> ([Double], [Int]) {
        var (result, tops) = (logits, [Int]())
        for start in stride(from: 0, to: logits.count, by: max(1, length)) {
            let row = start..<start + length
            let top = row.max { logits[$0] < logits[$1] } ?? start
            var sum = 0.0
            for i in row {
                result[i] = Double.exp(logits[i] - logits[top])
                sum += result[i]
            }
            for i in row { result[i] /= sum }
            tops.append(top - start)
        }
        return (result, tops)
    }
}

/// How far logits are from the truth.
package struct Departure: Sendable, Equatable {
    /// The mean over tokens of the Kullback–Leibler divergence of the true next-token distribution from this one, in nats.
    package let kl: Double
    /// Σ(z − z′)² / Σz².
    package let nmse: Double
    /// The share of tokens after which the likeliest token is the same.
    package let top1: Double

    package init(_ logits: Tensor, from truth: Truth) {
        let found = logits.doubles()
        let length = truth.shape.rowLength
        var (kl, squares, scale, agreeing) = (0.0, 0.0, 0.0, 0)
        for (token, top) in truth.tops.enumerated() where found.count == truth.logits.count {
            let start = token * length
            kl += Departure.divergence(found, truth, start..<start + length)
            var best = start
            for i in start..<start + length {
                let difference = found[i] - truth.logits[i]
                squares += difference * difference
                scale += truth.logits[i] * truth.logits[i]
                if found[i] > found[best] { best = i }
            }
            if best - start == top { agreeing += 1 }
        }
        let count = Double(max(1, truth.tops.count))
        (self.kl, nmse, top1) = (kl / count, squares / scale, Double(agreeing) / count)
    }

    /// Σ p·(log p − log q) without its cancellation: with δ the true logits less these and u = δ − Σ p·δ it is log Σ p·e⁻ᵘ, that is
    /// log(1 + Σ p·(e⁻ᵘ − 1 + u)), where no term is negative.
    private static func divergence(_ found: [Double], _ truth: Truth, _ row: Range<Int>) -> Double {
        var mean = 0.0
        for i in row { mean += truth.probabilities[i] * (truth.logits[i] - found[i]) }
        var sum = 0.0
        for i in row {
            let u = truth.logits[i] - found[i] - mean
            let curve = abs(u) < 0.01 ? u * u * (0.5 - u * (1.0 / 6 - u / 24)) : Double.expMinusOne(-u) + u
            sum += truth.probabilities[i] * curve
        }
        return Double.log(onePlus: sum)
    }
}

/// What a result must keep to.
package struct EffectBound: Sendable, Equatable, CustomStringConvertible {
    package enum Measure: String, Sendable, CaseIterable { case kl, nmse, top1, finite }

    package let measure: Measure
    /// Of kl and nmse the most, of top1 the least share.
    package let limit: Double

    /// `kl<1e-3`, `nmse<1e-4`, `top1` (every token's likeliest stays), `top1>0.9`, `finite` (no value overflows or is NaN).
    package init(_ text: String) throws(PolicyError) {
        let words = text.split(whereSeparator: { "<>=".contains($0) }).map { $0.filter { $0 != " " } }
        let sign = text.first { "<>".contains($0) }
        guard let name = words.first, let measure = Measure(rawValue: name) else { throw EffectBound.mistake(text) }
        let limit = words.count == 2 ? Double(words[1]) : nil
        self.measure = measure
        switch (measure, sign, limit) {
        case (.kl, "<", let limit?), (.nmse, "<", let limit?): self.limit = limit
        case (.top1, ">", let limit?): self.limit = limit
        case (.top1, nil, nil), (.finite, nil, nil): self.limit = 1
        default: throw EffectBound.mistake(text)
        }
        guard words.count <= 2, self.limit > 0 else { throw EffectBound.mistake(text) }
    }

    private static func mistake(_ text: String) -> PolicyError {
        PolicyError("'\(text.prefix(40))' is no tolerance; there are kl<1e-3, nmse<1e-4, top1, top1>0.9 and finite")
    }

    package var description: String {
        switch measure {
        case .kl, .nmse: "\(measure.rawValue)<\(limit)"
        case .top1: limit < 1 ? "top1>\(limit)" : "top1"
        case .finite: "finite"
        }
    }

    /// Of values that are no numbers nothing is kept.
    package func holds(_ effect: Departure, isFinite: Bool) -> Bool {
        switch measure {
        case .kl: effect.kl < limit
        case .nmse: effect.nmse < limit
        case .top1: effect.top1 >= limit && effect.nmse.isFinite
        case .finite: isFinite
        }
    }
}
