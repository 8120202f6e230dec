import Foundation
import Screen
import TOMLKit

/// The user's settings, `$XDG_CONFIG_HOME/mica/config.toml` (or `~/.config/mica/config.toml`):
///
///     theme = "day"
///     color = "truecolor"
///     mouse = true
///     [keys]
///     "C-n" = "next-token"
///     [keys.attention]
///     "m" = "attention-part mask"
package struct Configuration: Sendable, Hashable {
    package var theme: String?
    package var color: String?
    package var mouse = false
    package var ascii = false
    /// Memory for recorded values, in MiB.
    package var memory: Int?
    package var bindings: [Binding] = []

    package init() {}

    /// The file's place, whether it exists or not.
    package static func path(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> String? {
        if let folder = environment["XDG_CONFIG_HOME"], !folder.isEmpty { return folder + "/mica/config.toml" }
        return environment["HOME"].map { $0 + "/.config/mica/config.toml" }
    }

    /// The settings of the file; the defaults if there is none.
    package static func load(_ path: String?) throws(ConfigurationError) -> Configuration {
        guard let path, let data = FileManager.default.contents(atPath: path) else { return Configuration() }
        guard data.count < 1 << 20, let text = String(validating: data, as: UTF8.self) else {
            throw ConfigurationError(path: path, rule: "is no UTF-8 text of at most 1 MiB")
        }
        return try Configuration(toml: text, path: path)
    }

    package init(toml text: String, path: String) throws(ConfigurationError) {
        let table: TOMLTable
        do { table = try TOMLTable(string: text) } catch let error as TOMLParseError {
            throw ConfigurationError(path: path, rule: "is no TOML: \(error.description) at line \(error.source.begin.line)")
        } catch { throw ConfigurationError(path: path, rule: "is no TOML: \(error)") }
        for key in table.keys where !["theme", "color", "mouse", "ascii", "memory", "keys"].contains(key) {
            throw ConfigurationError(
                path: path, rule: "has the unknown setting '\(key)'; there are theme, color, mouse, ascii, memory, keys")
        }
        theme = table["theme"]?.string
        color = table["color"]?.string
        mouse = table["mouse"]?.bool ?? false
        ascii = table["ascii"]?.bool ?? false
        memory = table["memory"]?.int
        if let keys = table["keys"]?.table { bindings = try Configuration.bindings(keys, page: nil, path: path) }
    }

    private static func bindings(_ table: TOMLTable, page: PageID?, path: String) throws(ConfigurationError) -> [Binding] {
        var found: [Binding] = []
        for key in table.keys {
            if page == nil, let id = PageID(rawValue: key), let inner = table[key]?.table {
                found += try bindings(inner, page: id, path: path)
                continue
            }
            guard let line = table[key]?.string else {
                throw ConfigurationError(path: path, rule: "keys.\(key) must be a command in quotes")
            }
            let binding = Binding(key, line, on: page)
            guard !binding.sequence.isEmpty, binding.sequence.count == key.split(separator: " ").count else {
                throw ConfigurationError(
                    path: path, rule: "'\(key)' is no key; write j, C-x, M-f, F5, Space, or several with spaces between")
            }
            guard Command.find(String(line.prefix { $0 != " " })) != nil else {
                throw ConfigurationError(path: path, rule: "keys.\(key): there is no command '\(line)'")
            }
            found.append(binding)
        }
        return found
    }
}

/// What is wrong with the user's settings.
package struct ConfigurationError: Error, CustomStringConvertible, Sendable {
    package let path: String
    package let rule: String
    package var description: String { "\(path) \(rule). Correct or remove it." }
}
