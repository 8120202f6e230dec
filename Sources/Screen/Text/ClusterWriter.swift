/// Turns scalars and stray bytes into clusters, one after the other, by the rules of `VisibleText`.
struct ClusterWriter {
    private(set) var clusters: [VisibleText.Cluster] = []
    /// Whether the last cluster may take marks: not an escape like `<0x1B>`.
    private var takesMarks = false
    /// Whether the last cluster is an emoji that a joiner or a skin tone may follow.
    private var isEmoji = false
    private var marksLeftOut = 0

    mutating func append(_ elements: [UTF8Reader.Element]) {
        for (index, element) in elements.enumerated() {
            let next: UTF8Reader.Element? = index + 1 < elements.count ? elements[index + 1] : nil
            let before: UTF8Reader.Element? = index > 0 ? elements[index - 1] : nil
            switch element {
            case .invalid(let byte): escape(VisibleText.hex(byte))
            case .scalar(let scalar): append(scalar, before: before?.scalar, next: next?.scalar)
            }
        }
        closeMarks()
    }

    private mutating func append(_ scalar: Unicode.Scalar, before: Unicode.Scalar?, next: Unicode.Scalar?) {
        if ScalarRules.isMark(scalar) { return addMark(scalar) }
        if let joiner = ScalarRules.joiner(scalar, before: before, next: next), takesMarks { return add(joiner, scalar) }
        if isEmoji, scalar.properties.isEmojiModifier { return add(.emoji, scalar) }
        if let text = ScalarRules.escape(scalar) { return escape(text) }
        closeMarks()
        clusters.append(.init(base: scalar, width: CellWidth.of(scalar)))
        takesMarks = true
        isEmoji = ScalarRules.isEmojiBase(scalar)
    }

    private mutating func add(_ joiner: ScalarRules.Joiner, _ scalar: Unicode.Scalar) {
        switch joiner {
        case .emoji: clusters[clusters.count - 1].joiners.append(scalar)
        case .indic: addMark(scalar)
        }
    }

    private mutating func addMark(_ mark: Unicode.Scalar) {
        if !takesMarks {
            clusters.append(.init(base: "◌"))
            takesMarks = true
        }
        let last = clusters.count - 1
        if clusters[last].marks.count < VisibleText.marksPerCell {
            clusters[last].marks.append(mark)
        } else {
            marksLeftOut += 1
        }
    }

    private mutating func escape(_ text: String) {
        closeMarks()
        clusters += text.unicodeScalars.map { .init(base: $0) }
        (takesMarks, isEmoji) = (false, false)
    }

    /// Says how many marks did not fit into the last cell.
    private mutating func closeMarks() {
        guard marksLeftOut > 0 else { return }
        let count = marksLeftOut
        marksLeftOut = 0
        escape("<+\(count) marks>")
    }
}

extension UTF8Reader.Element {
    fileprivate var scalar: Unicode.Scalar? {
        guard case .scalar(let scalar) = self else { return nil }
        return scalar
    }
}

extension VisibleText {
    /// A byte in the form `<0x1B>`.
    static func hex(_ byte: UInt8) -> String {
        "<0x" + digits(UInt32(byte), atLeast: 2) + ">"
    }

    /// A scalar in the form `<U+202E>`.
    static func codePoint(_ scalar: Unicode.Scalar) -> String {
        "<U+" + digits(scalar.value, atLeast: 4) + ">"
    }

    private static func digits(_ value: UInt32, atLeast count: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
