import Foundation

/// What a pair of answers costs, and how that depends on the summed losses of its rows, so that each row can be walked back on its own.
package struct Preference: Sendable {
    /// One answer under the model: the summed loss of its tokens that count (less log p), how many these are, and the same sum under the
    /// model that the run began with.
    package struct Answer: Sendable {
        package let loss: Double
        package let count: Int
        package let reference: Double

        package init(loss: Double, count: Int, reference: Double = 0) {
            self.loss = loss
            self.count = count
            self.reference = reference
        }
    }

    /// Of all pairs of a step.
    package struct Value: Sendable, Equatable {
        package var loss = 0.0
        /// How much more the better answers are preferred than at the begin (dpo), or than the worse ones (orpo, reward), on average.
        package var margin = 0.0
        /// The part of the pairs in which they are.
        package var accuracy = 0.0
        /// d(loss)/d(summed loss) of each better and each worse answer.
        package var chosen: [Double] = []
        package var rejected: [Double] = []
    }

    package let method: TrainingSettings.Method
    /// β of DPO, λ of ORPO.
    package let beta: Double
    /// How far apart rewards are to be.
    package let rewardMargin: Double

    package init(_ method: TrainingSettings.Method, beta: Double = 0, rewardMargin: Double = 0) {
        self.method = method
        self.beta = beta
        self.rewardMargin = rewardMargin
    }

    init(_ settings: TrainingSettings) {
        self.init(settings.method, beta: settings.preferenceBeta, rewardMargin: settings.rewardMargin)
    }

    package func value(_ pairs: [(chosen: Answer, rejected: Answer)]) -> Value {
        let count = Double(max(1, pairs.count))
        let tokens = Double(max(1, pairs.reduce(0) { $0 + $1.chosen.count }))
        var total = Value()
        for (chosen, rejected) in pairs {
            let one =
                switch method {
                case .orpo: orpo(chosen, rejected, tokens, count)
                case .reward: reward(chosen, rejected, count)
                default: dpo(chosen, rejected, count)
                }
            total.loss += one.loss
            total.margin += one.margin / count
            total.accuracy += (one.margin > 0 ? 1 : 0) / count
            total.chosen += one.chosen
            total.rejected += one.rejected
        }
        return total
    }

    /// softplus(−Δ), Δ = β·((log p − log p₀)(chosen) − (log p − log p₀)(rejected)). Rafailov et al. 2023, arXiv:2305.18290, eq. 7.
    private func dpo(_ chosen: Answer, _ rejected: Answer, _ count: Double) -> Value {
        let margin = beta * ((chosen.reference - chosen.loss) - (rejected.reference - rejected.loss))
        let slope = beta * Preference.sigmoid(-margin) / count
        return Value(loss: Preference.softplus(-margin) / count, margin: margin, chosen: [slope], rejected: [-slope])
    }

    /// softplus(−(r₁ − r₂ − margin)), where an answer's loss is −r: −log of the probability that Bradley and Terry (1952) give to the
    /// better one's winning by the margin. Ouyang et al. 2022, arXiv:2203.02155, eq. 1; the margin: Touvron et al. 2023, arXiv:2307.09288,
    /// eq. 2.
    private func reward(_ chosen: Answer, _ rejected: Answer, _ count: Double) -> Value {
        let difference = rejected.loss - chosen.loss
        let slope = Preference.sigmoid(rewardMargin - difference) / count
        return Value(
            loss: Preference.softplus(rewardMargin - difference) / count, margin: difference, chosen: [slope], rejected: [-slope])
    }

    /// The better answers' mean loss, and λ·softplus(−r) with r the difference of the log odds of the mean log-probabilities a:
    /// log(eᵃ/(1 − eᵃ)), whose slope is 1/(1 − eᵃ). Hong et al. 2024, arXiv:2403.07691, eq. 6 and 7.
    private func orpo(_ chosen: Answer, _ rejected: Answer, _ tokens: Double, _ count: Double) -> Value {
        let sizes = [Double(max(1, chosen.count)), Double(max(1, rejected.count))]
        let means = [-chosen.loss / sizes[0], -rejected.loss / sizes[1]]
        let ratio = (means[0] - Preference.logOneLessExp(means[0])) - (means[1] - Preference.logOneLessExp(means[1]))
        let pull = beta * Preference.sigmoid(-ratio) / count
        let slopes = zip(means, sizes).map { mean, size in pull / (-expm1(mean)) / size }
        return Value(
            loss: chosen.loss / tokens + beta * Preference.softplus(-ratio) / count, margin: ratio, chosen: [1 / tokens + slopes[0]],
            rejected: [-slopes[1]])
    }

    static func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
    static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

    /// log(1 − eˣ) for x < 0, from the side on which it is exact (Mächler 2012).
    static func logOneLessExp(_ x: Double) -> Double { x > -0.6931471805599453 ? log(-expm1(x)) : log1p(-exp(x)) }
}
