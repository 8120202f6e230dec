import Engine
import Tensors

/// What a quirk makes of the tokens of a text.
package typealias TokenReading = @Sendable ([Int]) -> [ReadToken]

/// A token as the model is given it.
package enum ReadToken: Sendable, Hashable {
    /// One of the text, by its place there.
    case place(Int)
    /// Put beside the text, by its id.
    case added(Int)

    /// A text as it is.
    static func all(_ ids: [Int]) -> [ReadToken] { ids.indices.map { .place($0) } }
}

extension Model {
    /// Those of the catalogue that are of this model, whatever is on.
    package var applicableQuirks: [Quirk] {
        let plain = without(quirks: quirks)
        return Quirk.all.filter { $0.applies(plain) }
    }

    /// The model with exactly these switched on, whatever was on before.
    package func with(quirks names: [String]) throws -> Model {
        var model = without(quirks: quirks)
        for name in names {
            let quirk = try Quirk.named(name)
            guard quirk.applies(model) else {
                let own = model.applicableQuirks.map(\.name).joined(separator: ", ")
                throw QuirkError(rule: "quirk '\(name)' is not of this \(architecture.name); of it are \(own)")
            }
        }
        for quirk in Quirk.all where names.contains(quirk.name) { try model.switchOn(quirk) }
        return model
    }

    private mutating func switchOn(_ quirk: Quirk) throws {
        let plain = self
        quirks.append(quirk)
        switch quirk.change {
        case .tokens(let change): if let reading = change(plain) { readings.append(reading) }
        case .settings(let change): change(&settings)
        case .ops, .positions, .denominator: break
        }
        if plain.settings.tied, !settings.tied { initialised = try initialisedHead() }
    }

    private func without(quirks: [Quirk]) -> Model {
        if quirks.isEmpty { return self }
        var model = self
        (model.quirks, model.settings, model.readings, model.initialised) = ([], ownSettings, [], [:])
        return model
    }

    /// A head that the file does not have, as transformers fills in what is missing: normal numbers of standard deviation 0.02 (what
    /// `initializer_range` is where config.json does not say).
    private func initialisedHead() throws -> [String: Tensor] {
        let name = "lm_head.weight"
        let noise = EditNoise(seed: 0, name: name)
        let shape = Shape((.output, settings.vocabulary), (.input, settings.hidden))
        let head = try Tensor(shape) { out in
            for place in out.indices { out[place] = Float(0.02 * noise.normal(at: [place])) }
        }
        return [name: head]
    }

    /// What the model is given to read when it is given these tokens.
    package func quirked(_ ids: [Int]) -> [Int] {
        readings.reduce(ids) { ids, reading in
            reading(ids).map { token in
                switch token {
                case .place(let place): ids[place]
                case .added(let id): id
                }
            }
        }
    }

    /// What tokens at these places in their text are told of their positions.
    package func quirked(positions: [Int32]) -> [Int32] { positions.map { Int32(position(Int($0), past: 0)) } }

    /// Whether a finetune's steps have the mean of micro-batches' means for their loss.
    package var averagesMeans: Bool { quirks.contains(where: \.isOfTraining) }

    /// Whether the program reads a part of some weights only.
    package var readsInPart: Bool { settings.headDimension != ownSettings.headDimension }

    /// The token that the tokenizer puts before every text.
    var beginToken: Int? { tokenizer?.specialsBefore.first.map(Int.init) }
}
