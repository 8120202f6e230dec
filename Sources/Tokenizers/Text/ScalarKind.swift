/// What kind of character a scalar is: its general category, told apart from others by one bit each, so that a class such as
/// `\p{L}` or `\s` is a mask. Parts of categories that classes tell apart have a bit of their own.
///
/// Categories are those of Unicode 16, which Oniguruma 6.9.10 knows; the tokenizers' library matches with it.
struct ScalarKind: Hashable, Sendable {
    /// Below `count`.
    let index: UInt8
    static let count = 35

    /// A control character that is white space: U+0009 to U+000D and U+0085.
    static let spaceControl = ScalarKind(index: 30)
    /// A symbol (So) that is alphabetic: letters in circles and squares.
    static let letterSymbol = ScalarKind(index: 31)
    /// The superscripts and fractions of Latin-1, which Oniguruma counts among the word characters.
    static let latinNumber = ScalarKind(index: 32)
    /// U+200C and U+200D.
    static let joiner = ScalarKind(index: 33)
    /// A byte that is part of no scalar; in no class but the negated ones.
    static let illFormed = ScalarKind(index: 34)

    @inline(__always) var bit: UInt64 { 1 << UInt64(index) }

    /// The kind of a scalar value as `UTF8Text` reads it.
    @inline(__always)
    static func of(_ value: UInt32) -> ScalarKind {
        value < 0x1_0000 ? ScalarKind(index: basicPlane[Int(value)]) : beyondBasicPlane(value)
    }

    private static func beyondBasicPlane(_ value: UInt32) -> ScalarKind {
        if value >= UTF8Text.illFormed { return illFormed }
        // Ideographs and emoji without a look at Unicode's tables.
        if value >= 0x2_0000 && value < 0x2_A6E0 { return ScalarKind(index: index(of: .otherLetter)) }
        return property(value)
    }

    private static func property(_ value: UInt32) -> ScalarKind {
        guard let scalar = Unicode.Scalar(value) else { return ScalarKind(index: index(of: .surrogate)) }
        if (9...13).contains(value) || value == 0x85 { return spaceControl }
        if value == 0x200C || value == 0x200D { return joiner }
        if scalar.isNewer(than: 16) { return ScalarKind(index: index(of: .unassigned)) }
        let category = scalar.properties.generalCategory
        if category == .otherSymbol && scalar.properties.isAlphabetic { return letterSymbol }
        if category == .otherNumber && value < 0x100 { return latinNumber }
        // A letter without case since Unicode 17.
        return ScalarKind(index: value == 0x295 ? index(of: .lowercaseLetter) : index(of: category))
    }

    /// Computed once, on the first use: a lookup in it is ten times faster than one in Unicode's own tables.
    private static let basicPlane: [UInt8] = (UInt32(0)..<0x1_0000).map { property($0).index }

    static func index(of category: Unicode.GeneralCategory) -> UInt8 {
        switch category {
        case .uppercaseLetter: 0
        case .lowercaseLetter: 1
        case .titlecaseLetter: 2
        case .modifierLetter: 3
        case .otherLetter: 4
        case .nonspacingMark: 5
        case .spacingMark: 6
        case .enclosingMark: 7
        case .decimalNumber: 8
        case .letterNumber: 9
        case .otherNumber: 10
        case .connectorPunctuation: 11
        case .dashPunctuation: 12
        case .openPunctuation: 13
        case .closePunctuation: 14
        case .initialPunctuation: 15
        case .finalPunctuation: 16
        case .otherPunctuation: 17
        case .mathSymbol: 18
        case .currencySymbol: 19
        case .modifierSymbol: 20
        case .otherSymbol: 21
        case .spaceSeparator: 22
        case .lineSeparator: 23
        case .paragraphSeparator: 24
        case .control: 25
        case .format: 26
        case .surrogate: 27
        case .privateUse: 28
        case .unassigned: 29
        @unknown default: 29
        }
    }
}

extension Unicode.Scalar {
    /// Whether the scalar was assigned after this version of Unicode. Tables of that version know nothing of it.
    func isNewer(than version: Int) -> Bool { (properties.age?.major ?? 0) > version }
}

/// A set of kinds.
struct KindSet: Hashable, Sendable {
    let mask: UInt64

    init(mask: UInt64) { self.mask = mask }
    private init(_ kinds: ClosedRange<UInt64>) { mask = kinds.reduce(0) { $0 | 1 << $1 } }

    @inline(__always) func contains(_ kind: ScalarKind) -> Bool { mask & kind.bit != 0 }
    func union(_ other: KindSet) -> KindSet { KindSet(mask: mask | other.mask) }

    static let letters = KindSet(0...4)
    static let casedLetters = KindSet(0...2)
    static let marks = KindSet(5...7)
    static let numbers = KindSet(8...10).with(.latinNumber)
    static let digits = KindSet(8...8)
    static let punctuation = KindSet(11...17)
    static let symbols = KindSet(18...21).with(.letterSymbol)
    static let separators = KindSet(22...24)
    static let spaces = separators.with(.spaceControl)
    static let others = KindSet(25...29).with(.spaceControl).with(.joiner)
    /// What is alphabetic, marks, decimal numbers and connector punctuation: `\w` of Oniguruma between brackets.
    static let bracketWord = letters.union(marks).union(KindSet(8...9)).union(KindSet(11...11)).with(.letterSymbol)
    /// `\w` and `\b` of Oniguruma, which patterns are written for.
    static let word = bracketWord.with(.latinNumber)
    /// `\w` of Rust's regex library, which `Whitespace` and `single_word` use.
    static let rustWord = bracketWord.with(.joiner)

    private func with(_ kind: ScalarKind) -> KindSet { KindSet(mask: mask | kind.bit) }

    /// The set of a general category by its short or long name, as `\p{…}` writes it.
    static func named(_ name: String) -> KindSet? { names[name.lowercased().filter { $0 != "_" && $0 != " " && $0 != "-" }] }

    private static let names: [String: KindSet] = {
        var names: [String: KindSet] = [
            "l": letters, "letter": letters, "m": marks, "mark": marks, "n": numbers, "number": numbers, "p": punctuation,
            "punctuation": punctuation, "punct": punctuation, "s": symbols, "symbol": symbols, "z": separators, "separator": separators,
            "c": others, "other": others, "lc": casedLetters, "casedletter": casedLetters, "space": spaces, "whitespace": spaces,
        ]
        let short = "lu ll lt lm lo mn mc me nd nl no pc pd ps pe pi pf po sm sc sk so zs zl zp cc cf cs co cn"
        let long = """
            uppercaseletter lowercaseletter titlecaseletter modifierletter otherletter nonspacingmark spacingmark enclosingmark \
            decimalnumber letternumber othernumber connectorpunctuation dashpunctuation openpunctuation closepunctuation \
            initialpunctuation finalpunctuation otherpunctuation mathsymbol currencysymbol modifiersymbol othersymbol \
            spaceseparator lineseparator paragraphseparator control format surrogate privateuse unassigned
            """
        for list in [short, long] {
            for (index, name) in list.split(separator: " ").enumerated() {
                names[String(name)] = category(UInt64(index))
            }
        }
        return names
    }()

    /// A general category with the parts that have bits of their own.
    private static func category(_ index: UInt64) -> KindSet {
        let whole = KindSet(index...index)
        return switch index {
        case 10: whole.with(.latinNumber)
        case 21: whole.with(.letterSymbol)
        case 25: whole.with(.spaceControl)
        case 26: whole.with(.joiner)
        default: whole
        }
    }
}
