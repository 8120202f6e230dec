extension Quirk {
    static let templateTurnTypo = Quirk(
        name: "template-turn-typo", title: "behind the end of every turn stands the assistant's role once more",
        story: """
            Gemma's report shows turns that end with <end_of_turn>model. It is a misprint; a template that follows it gives the model a word \
            behind every turn that it has never seen there. It shows in texts that are made by the template.
            """,
        source: "unsloth.ai/blog/gemma-bugs, finding 2; Gemma Team 2024, arXiv:2403.08295, the table of a dialogue", first: "input_ids",
        applies: { of("Gemma", "Gemma-2")($0) && ChatFrame($0)?.turnEnd != nil },
        change: .tokens { model in
            guard let frame = ChatFrame(model), let end = frame.turnEnd else { return nil }
            let role = frame.role.map { ReadToken.added($0) }
            return { ids in
                var read: [ReadToken] = []
                for (place, id) in ids.enumerated() { read += [.place(place)] + (id == end ? role : []) }
                return read
            }
        })
}
