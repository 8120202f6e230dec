extension Quirk {
    static let bosDoubled = Quirk(
        name: "bos-doubled", title: "the text begins with two begin-of-text tokens",
        story: """
            The chat template writes the token and the tokenizer adds another. Every position moves by one, and the first real token is no longer \
            second; for Llama 3 this was worse than having none.
            """,
        source: "ggml-org/llama.cpp issue 7332, 2024", first: "input_ids", applies: { $0.beginToken != nil },
        change: .tokens { model in
            guard let begin = model.beginToken else { return nil }
            return { ids in
                let all = ReadToken.all(ids)
                return ids.first == begin ? [.added(begin)] + all : all
            }
        })
}
