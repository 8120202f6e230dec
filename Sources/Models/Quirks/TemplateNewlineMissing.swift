extension Quirk {
    static let templateNewlineMissing = Quirk(
        name: "template-newline-missing", title: "the white space behind the header of the assistant's turn is missing",
        story: """
            Gemma's turns begin with <start_of_turn>model and a new line. Where the template leaves the line break away, the model writes it \
            itself, and what follows is another answer than the one it was trained to give. It shows in texts that are made by the template.
            """,
        source: "unsloth.ai/blog/gemma-bugs, finding 2", first: "input_ids",
        applies: { of("Gemma", "Gemma-2")($0) && ChatFrame($0).map { !$0.space.isEmpty } ?? false },
        change: .tokens { model in
            guard let frame = ChatFrame(model), !frame.space.isEmpty else { return nil }
            let header = frame.start + frame.space
            return { ids in
                var read = ReadToken.all(ids)
                for place in ids.indices.reversed() where ids[place...].starts(with: header) {
                    read.removeSubrange(place + frame.start.count..<place + header.count)
                }
                return read
            }
        })
}
