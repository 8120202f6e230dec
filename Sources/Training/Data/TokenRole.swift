/// Whether a token counts in the loss, and if not, why not. A token counts if it is to be predicted from those before it.
package enum TokenRole: UInt8, Sendable, CaseIterable {
    case counts
    /// The first of its document: nothing before it predicts it.
    case boundary
    /// What the model is asked: a prompt, or what others than the assistant say.
    case prompt
    /// What the chat template writes around the words.
    case template
    /// The file's own labels say −100.
    case label
    /// Fills a row up to the length of the longest.
    case padding

    /// One word for a legend.
    package var name: String {
        switch self {
        case .counts: "counts"
        case .boundary: "boundary"
        case .prompt: "prompt"
        case .template: "template"
        case .label: "label −100"
        case .padding: "padding"
        }
    }
}

/// The label of a token that does not count, as in PyTorch's cross entropy (`ignore_index`).
package let maskedLabel: Int32 = -100
