extension Quirk {
    static let bosMissing = Quirk(
        name: "bos-missing", title: "the text begins without the begin-of-text token",
        story: """
            Gemma was trained with <bos> before every text and goes astray without it: asked the same, it answers "Knock knock." in the place of \
            "Gemma who?", and a finetune has a much higher loss. Llama 3's tokenizer was first published without it too, with little effect.
            """,
        source: "Daniel and Michael Han, unsloth.ai/blog/gemma-bugs, 6 March 2024, finding 1; Llama 3: unsloth.ai/blog/llama3",
        first: "input_ids", applies: { $0.beginToken != nil },
        change: .tokens { model in
            guard let begin = model.beginToken else { return nil }
            return { ids in Array(ReadToken.all(ids).dropFirst(ids.count > 1 && ids.first == begin ? 1 : 0)) }
        })
}
