extension Quirk {
    static let untrainedRows = Quirk(
        name: "untrained-rows", title: "the text has a token of a template whose row was never trained",
        story: """
            The base models of Llama 3 have rows for the tokens of the chat template that training never touched: about 1e-23 in every \
            number. A finetune whose template uses them began with rows that say nothing, and its gradients became NaN. On, such a token \
            stands behind the one that begins the text, or at the beginning.
            """,
        source: "Daniel and Michael Han, unsloth.ai/blog/llama3, April 2024; the test for such rows: unsloth_zoo/tokenizer_utils.py",
        first: "input_ids", applies: { !UntrainedTokens.find(in: $0).isEmpty },
        change: .tokens { model in
            guard let token = UntrainedTokens.chosen(of: model) else { return nil }
            let begin = model.beginToken
            return { ids in
                let at = ids.first == begin ? 1 : 0
                var read = ReadToken.all(ids)
                read.insert(.added(token), at: at)
                return read
            }
        })
}
