import TOMLKit

/// A theme file as written: strings by section and key, not yet colours.
struct ThemeFile: Sendable {
    /// Where it came from, for messages.
    var file: String
    var name: String
    var inherits: String?
    var variant: String?
    var palette: [String: String] = [:]
    /// `[ui]` and `[data]` together; their keys differ.
    var entries: [String: String] = [:]

    /// Reads TOML. Values are strings; lists of strings count as one string with blanks between.
    init(toml text: String, file: String) throws(ThemeError) {
        guard !text.utf8.contains(0) else {
            throw ThemeError(file: file, problem: "no TOML: holds a NUL character", advice: "save it as text")
        }
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            throw ThemeError(
                file: file, problem: "no TOML: \(error.description) at \(error.source.begin.debugDescription)", advice: "correct this line")
        } catch {
            throw ThemeError(file: file, problem: "no TOML: \(error)", advice: "correct the file")
        }
        self.file = file
        name = table["name"]?.string ?? ThemeFile.stem(file)
        inherits = table["inherits"]?.string
        variant = table["variant"]?.string
        palette = try ThemeFile.section("palette", table, file)
        entries = try ThemeFile.section("ui", table, file).merging(ThemeFile.section("data", table, file)) { $1 }
    }

    /// This file with everything that it does not say taken from its parent.
    func inheriting(_ parent: ThemeFile) -> ThemeFile {
        var result = self
        result.variant = variant ?? parent.variant
        result.palette = parent.palette.merging(palette) { $1 }
        result.entries = parent.entries.merging(entries) { $1 }
        return result
    }

    private static func section(_ name: String, _ table: TOMLTable, _ file: String) throws(ThemeError) -> [String: String] {
        guard let value = table[name] else { return [:] }
        guard let section = value.table else {
            throw ThemeError(file: file, problem: "\(name) is no table", advice: "write [\(name)] on a line of its own")
        }
        var result: [String: String] = [:]
        for key in section.keys {
            guard let text = section[key].flatMap(string) else {
                throw ThemeError(
                    file: file, problem: "\(name).\(key) is no string", advice: "put the value, and a key with a dot, in quotes")
            }
            result[key] = text
        }
        return result
    }

    private static func string(_ value: any TOMLValueConvertible) -> String? {
        if let text = value.string { return text }
        guard let list = value.array else { return nil }
        let texts = list.compactMap(\.string)
        return texts.count == list.count ? texts.joined(separator: " ") : nil
    }

    static func stem(_ file: String) -> String {
        let last = file.split(separator: "/").last.map(String.init) ?? file
        return last.hasSuffix(".toml") ? String(last.dropLast(5)) : last
    }
}
