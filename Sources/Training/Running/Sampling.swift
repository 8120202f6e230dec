import Engine
import Models
import Tokenizers

extension Trainer {
    /// How the model goes on with a text as it is now, greedily; nil if it has no tokenizer.
    package func sample(_ prompt: String, tokens: Int = 40) throws -> String? {
        guard let tokenizer = model.tokenizer else { return nil }
        var model = model
        model.adapter?.dropout = 0
        let ids = model.quirked(tokenizer.encode(prompt).map(Int.init))
        guard !ids.isEmpty, ids.count < model.settings.context else { return nil }
        var generation = try Generation(model: model, prompt: ids, policy: job.policy, keep: .nothing)
        var decoder = StreamingDecoder(tokenizer)
        for id in ids { _ = decoder.append(Int32(id)) }
        var text = ""
        for _ in 0..<min(tokens, model.settings.context - ids.count) {
            while !generation.stepper.isFinished { try generation.stepper.step() }
            guard let logits = try generation.lastLogits() else { break }
            var sampler = Sampler.greedy
            let token = try sampler.choose(logits)
            if model.endTokens.contains(token) { break }
            text += decoder.append(Int32(token))
            try generation.append(token)
        }
        return text + decoder.finish()
    }
}
