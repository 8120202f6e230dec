import Screen

/// A terminal's screen rebuilt from the bytes a program sends: enough of xterm and vt100 to read what a user would see, and to know which
/// modes are on. What it does not know it keeps in `unknown`, so that a test can insist on there being none.
struct VirtualScreen {
    private(set) var size: Size
    private(set) var cursor = Point(0, 0)
    /// Private modes that are on: 25 cursor, 1049 second screen, 2004 paste, 1002 and 1006 mouse …
    private(set) var modes: Set<Int> = [25, 7]
    private(set) var hasApplicationKeypad = false
    private(set) var unknown: [String] = []
    /// What a real terminal would send back.
    var replies: [UInt8] = []
    /// Texts that were put on the clipboard, in base64.
    private(set) var clipboard: [String] = []

    private var rows: [[Character]]
    /// The first screen, while the second one is shown.
    private var stored: (rows: [[Character]], cursor: Point)?
    private var saved = Point(0, 0)
    private var margins: Range<Int>
    private var parser = EscapeParser()
    private var last: Unicode.Scalar = " "
    private var wrapsNext = false
    private var drawsLines = false
    /// The kinds of colours that were ever used: `palette`, `256`, `24-bit`.
    private(set) var colors: Set<String> = []

    init(size: Size) {
        self.size = size
        margins = 0..<size.height
        rows = VirtualScreen.blank(size)
    }

    /// The rows as text, without blanks at the end.
    var lines: [String] {
        rows.map { row in
            var text = String(row.filter { $0 != "\0" })
            while text.last == " " { text.removeLast() }
            return text
        }
    }

    var text: String { lines.joined(separator: "\n") }
    var isSecondScreen: Bool { modes.contains(1049) }

    mutating func resize(_ new: Size) {
        func fitted(_ rows: [[Character]]) -> [[Character]] {
            (0..<new.height).map { y in
                let row = y < rows.count ? rows[y] : []
                return (0..<new.width).map { $0 < row.count ? row[$0] : " " }
            }
        }
        rows = fitted(rows)
        if let old = stored { stored = (fitted(old.rows), old.cursor) }
        size = new
        margins = 0..<new.height
        cursor = Point(min(cursor.x, new.width - 1), min(cursor.y, new.height - 1))
    }

    mutating func feed(_ bytes: some Sequence<UInt8>) {
        for item in parser.feed(bytes) {
            switch item {
            case .scalar(let scalar): put(scalar)
            case .control(let byte): control(byte)
            case .escape(let text): escape(text)
            case .sequence(let sequence): run(sequence)
            case .command(let text): command(text)
            }
        }
    }

    private static func blank(_ size: Size) -> [[Character]] {
        Array(repeating: Array(repeating: " ", count: size.width), count: size.height)
    }

    // MARK: Text

    private mutating func put(_ scalar: Unicode.Scalar) {
        let shown = drawsLines ? VirtualScreen.lineDrawing[scalar] ?? scalar : scalar
        let width = CellWidth.of(shown)
        if width == 0 {
            let x = max(wrapsNext ? cursor.x : cursor.x - 1, 0)
            let base = rows[cursor.y][x] == "\0" && x > 0 ? x - 1 : x
            rows[cursor.y][base] = Character(String(rows[cursor.y][base]) + String(shown))
            return
        }
        last = scalar
        if wrapsNext, modes.contains(7) {
            cursor.x = 0
            lineFeed()
        }
        wrapsNext = false
        rows[cursor.y][cursor.x] = Character(shown)
        if width == 2, cursor.x + 1 < size.width { rows[cursor.y][cursor.x + 1] = "\0" }
        let next = cursor.x + width
        wrapsNext = next >= size.width
        cursor.x = min(next, size.width - 1)
    }

    private static let lineDrawing: [Unicode.Scalar: Unicode.Scalar] = [
        "q": "─", "x": "│", "l": "┌", "k": "┐", "m": "└", "j": "┘", "n": "┼", "t": "├", "u": "┤", "v": "┴", "w": "┬", "a": "▒", "0": "█",
    ]

    private mutating func control(_ byte: UInt8) {
        wrapsNext = false
        switch byte {
        case 0x08: cursor.x = max(cursor.x - 1, 0)
        case 0x09: cursor.x = min((cursor.x / 8 + 1) * 8, size.width - 1)
        case 0x0A, 0x0B, 0x0C: lineFeed()
        case 0x0D: cursor.x = 0
        case 0x0E: drawsLines = true
        case 0x0F: drawsLines = false
        case 0x00, 0x07: break
        default: unknown.append("control \(byte)")
        }
    }

    private mutating func lineFeed() {
        if cursor.y == margins.upperBound - 1 { scroll(1) } else if cursor.y < size.height - 1 { cursor.y += 1 }
    }

    /// Scrolls the lines between the margins: up for a positive count.
    private mutating func scroll(_ count: Int, from top: Int? = nil) {
        let range = (top ?? margins.lowerBound)..<margins.upperBound
        let blank = [Character](repeating: " ", count: size.width)
        for _ in 0..<min(abs(count), range.count) {
            if count > 0 {
                rows.remove(at: range.lowerBound)
                rows.insert(blank, at: range.upperBound - 1)
            } else {
                rows.remove(at: range.upperBound - 1)
                rows.insert(blank, at: range.lowerBound)
            }
        }
    }

    // MARK: Sequences

    private mutating func escape(_ text: String) {
        switch text {
        case "7": saved = cursor
        case "8": cursor = saved
        case "D": lineFeed()
        case "E":
            cursor.x = 0
            lineFeed()
        case "M": if cursor.y == margins.lowerBound { scroll(-1) } else { cursor.y = max(cursor.y - 1, 0) }
        case "=": hasApplicationKeypad = true
        case ">": hasApplicationKeypad = false
        case "(0": drawsLines = true
        case "(B", "\\": drawsLines = false
        case ")0", ")B", "c": break
        default: unknown.append("ESC \(text)")
        }
    }

    private mutating func command(_ text: String) {
        if text.hasPrefix("52;c;") { clipboard.append(String(text.dropFirst(5))) }
    }

    private mutating func run(_ sequence: EscapeSequence) {
        if sequence.final != "m" { wrapsNext = false }
        if sequence.marker == "?" { return runPrivate(sequence) }
        let (n, y, x) = (sequence.count, cursor.y, cursor.x)
        switch sequence.final {
        case "A": cursor.y = max(y - n, 0)
        case "B": cursor.y = min(y + n, size.height - 1)
        case "C": cursor.x = min(x + n, size.width - 1)
        case "D": cursor.x = max(x - n, 0)
        case "G": cursor.x = min(n - 1, size.width - 1)
        case "d": cursor.y = min(n - 1, size.height - 1)
        case "H", "f": cursor = Point(min(sequence[1, 1] - 1, size.width - 1), min(n - 1, size.height - 1))
        case "J": eraseScreen(sequence[0, 0])
        case "K": eraseLine(sequence[0, 0])
        case "X": erase(row: y, x..<min(x + n, size.width))
        case "P": rows[y] = Array((rows[y].prefix(x) + rows[y].dropFirst(x + n) + repeatElement(" ", count: n)).prefix(size.width))
        case "@": rows[y] = Array((rows[y].prefix(x) + repeatElement(" ", count: n) + rows[y].dropFirst(x)).prefix(size.width))
        case "L": scroll(-n, from: y)
        case "M": scroll(n, from: y)
        case "S": scroll(n)
        case "T": scroll(-n)
        case "b": for _ in 0..<n { put(last) }
        case "r": margins = setMargins(n - 1, sequence[1, size.height])
        case "m": noteColors(sequence.parameters.compactMap { $0 })
        case "c" where sequence.marker == nil: replies += Array("\u{1B}[?62;22c".utf8)
        case "h", "l", "t": break
        default: unknown.append(sequence.description)
        }
    }

    private mutating func noteColors(_ codes: [Int]) {
        if codes.count > 2, codes[0] == 38 || codes[0] == 48 {
            colors.insert(codes[1] == 2 ? "24-bit" : "256")
        } else if codes.contains(where: { (30...37).contains($0) || (40...47).contains($0) || (90...107).contains($0) }) {
            colors.insert("palette")
        }
    }

    private mutating func setMargins(_ top: Int, _ bottom: Int) -> Range<Int> {
        cursor = Point(0, 0)
        let low = min(max(top, 0), size.height - 1)
        return low..<max(min(bottom, size.height), low + 1)
    }

    private mutating func runPrivate(_ sequence: EscapeSequence) {
        switch sequence.final {
        case "h": sequence.parameters.compactMap { $0 }.forEach { setMode($0, true) }
        case "l": sequence.parameters.compactMap { $0 }.forEach { setMode($0, false) }
        case "p": replies += Array("\u{1B}[?\(sequence.count);2$y".utf8)
        case "c": break
        default: unknown.append(sequence.description)
        }
    }

    private mutating func setMode(_ mode: Int, _ on: Bool) {
        if mode == 1049, on != modes.contains(1049) { showSecondScreen(on) }
        if on { modes.insert(mode) } else { modes.remove(mode) }
    }

    private mutating func showSecondScreen(_ on: Bool) {
        if on {
            stored = (rows, cursor)
            rows = VirtualScreen.blank(size)
        } else if let old = stored {
            (rows, cursor) = (old.rows, old.cursor)
            stored = nil
        }
    }

    // MARK: Erasing

    private mutating func erase(row: Int, _ columns: Range<Int>) {
        for x in columns { rows[row][x] = " " }
    }

    private mutating func eraseLine(_ part: Int) {
        let parts = [cursor.x..<size.width, 0..<cursor.x + 1, 0..<size.width]
        erase(row: cursor.y, parts[min(max(part, 0), 2)])
    }

    private mutating func eraseScreen(_ part: Int) {
        let parts = [cursor.y + 1..<max(size.height, cursor.y + 1), 0..<cursor.y, 0..<size.height]
        for row in parts[min(max(part, 0), 2)] { erase(row: row, 0..<size.width) }
        if part < 2 { eraseLine(part) }
    }
}
