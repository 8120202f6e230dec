import Checkpoints

/// How positions turn queries and keys (RoFormer, arXiv 2104.09864): angle of pair i at position t is t · theta^(-2i / rotated).
package struct RopeSettings: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case `default`
        /// Positions divided by the factor (arXiv 2306.15595).
        case linear(factor: Double)
        /// Long wavelengths divided by the factor, short ones kept, those between blended (Llama 3.1).
        case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, originalPositions: Int)
    }

    package let theta: Double
    package let kind: Kind
    /// The part of a head's dimensions that is turned.
    package let partialRotaryFactor: Double

    package init(theta: Double, kind: Kind, partialRotaryFactor: Double = 1) {
        self.theta = theta
        self.kind = kind
        self.partialRotaryFactor = partialRotaryFactor
    }
}

extension SettingsReader {
    /// Both spellings: `rope_theta` beside `rope_scaling` {type or rope_type, …}, and `rope_parameters` {rope_theta, rope_type, …}.
    /// A file that has both must mean the same by them.
    package mutating func rope(defaultTheta: Double = 10_000, partial: Bool = false) throws(CheckpointError) -> RopeSettings {
        let theta = try optionalPositiveReal("rope_theta")
        let part = try optionalPositiveReal("partial_rotary_factor", aliases: ["rotary_pct"])
        var parts: [RopePart] = [RopePart(theta: theta, kind: nil, partial: part)]
        for key in ["rope_parameters", "rope_scaling"] {
            guard var nested = try nested(key) else { continue }
            parts.append(try RopePart(from: &nested))
            notes += nested.notes
        }
        let settings = RopeSettings(
            theta: try agreed(parts.compactMap(\.theta), "rope_theta") ?? defaultTheta,
            kind: try agreed(parts.compactMap(\.kind), "rope_type") ?? .default,
            partialRotaryFactor: try agreed(parts.compactMap(\.partial), "partial_rotary_factor") ?? 1)
        let factor = settings.partialRotaryFactor
        if factor > 1 || (!partial && factor != 1) {
            throw unsupported("partial_rotary_factor", "\(factor)", supported: partial ? ["up to 1"] : ["1"])
        }
        return settings
    }

    private func agreed<Value: Equatable>(_ values: [Value], _ key: String) throws(CheckpointError) -> Value? {
        if let other = values.first(where: { $0 != values[0] }) {
            throw fault("\(key) is given twice and differs: \(values[0]) and \(other)")
        }
        return values.first
    }
}

/// What one of the places says.
private struct RopePart {
    let theta: Double?
    let kind: RopeSettings.Kind?
    let partial: Double?

    init(theta: Double?, kind: RopeSettings.Kind?, partial: Double?) {
        self.theta = theta
        self.kind = kind
        self.partial = partial
    }

    init(from settings: inout SettingsReader) throws(CheckpointError) {
        theta = try settings.optionalPositiveReal("rope_theta")
        partial = try settings.optionalPositiveReal("partial_rotary_factor")
        kind = try RopePart.kind(&settings)
        try settings.refuseUnread(except: [])
    }

    private static func kind(_ settings: inout SettingsReader) throws(CheckpointError) -> RopeSettings.Kind {
        let type = try settings.string("rope_type", aliases: ["type"], default: "default")
        switch type {
        case "default":
            return .default
        case "linear":
            return .linear(factor: try factor(&settings))
        case "llama3":
            let factor = try factor(&settings)
            let low = try settings.positiveReal("low_freq_factor")
            let high = try settings.positiveReal("high_freq_factor")
            if high <= low { throw settings.fault("rope high_freq_factor \(high) must be > low_freq_factor \(low)") }
            let positions = try settings.positiveInt("original_max_position_embeddings")
            return .llama3(factor: factor, lowFrequency: low, highFrequency: high, originalPositions: positions)
        default:
            let next = "Use a model with one of these."
            throw settings.fault(
                "rope_scaling type \(CheckpointError.quoted(type)) unsupported; supported: default, linear, llama3", next: next)
        }
    }

    private static func factor(_ settings: inout SettingsReader) throws(CheckpointError) -> Double {
        let factor = try settings.positiveReal("factor")
        if factor < 1 { throw settings.fault("rope factor must be ≥ 1, is \(factor)") }
        return factor
    }
}
