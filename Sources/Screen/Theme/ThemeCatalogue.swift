import Foundation

/// Where themes are found: the user's folder, a folder named by `MICA_RESOURCES`, beside the program, and, when all that is missing,
/// in the program itself.
package struct ThemeCatalogue: Sendable {
    /// Folders that are looked into, in this order.
    package let folders: [String]

    package init(environment: [String: String] = ProcessInfo.processInfo.environment, program: String? = ThemeCatalogue.programFolder) {
        var folders: [String] = []
        let home = environment["HOME"].map { $0 + "/.config" }
        if let config = environment["XDG_CONFIG_HOME"].flatMap({ $0.isEmpty ? nil : $0 }) ?? home {
            folders.append(config + "/mica/themes")
        }
        if let resources = environment["MICA_RESOURCES"], !resources.isEmpty { folders.append(resources + "/Themes") }
        if let program {
            folders += ["/Themes", "/../share/mica/Themes", "/mica_Screen.resources/Themes"].map { program + $0 }
        }
        self.folders = folders
    }

    package init(folders: [String]) {
        self.folders = folders
    }

    /// The names that can be asked for, sorted. `base` is for inheriting only.
    package var names: [String] {
        var found = Set(BuiltInThemes.texts.keys)
        for folder in folders {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            found.formUnion(files.filter { $0.hasSuffix(".toml") && !$0.hasPrefix(".") }.map { String($0.dropLast(5)) })
        }
        return found.subtracting(["base"]).sorted()
    }

    /// The theme of a name, or of a file if a path is given. A name from outside may be anything.
    package func theme(_ name: String) throws(ThemeError) -> Theme {
        try Theme(source(name))
    }

    /// The theme compiled into the program: night.
    package static let fallback: Theme = {
        let catalogue = ThemeCatalogue(folders: [])
        guard let theme = try? catalogue.theme("night") else { return .bare }
        return theme
    }()

    /// The file of a name with all that it inherits.
    func source(_ name: String) throws(ThemeError) -> ThemeFile {
        var result = try file(name, beside: nil)
        var seen = [name]
        var next = result.inherits
        while let parent = next {
            guard !seen.contains(parent), seen.count < 8 else {
                let chain = (seen + [parent]).joined(separator: " → ")
                throw ThemeError(file: result.file, problem: "inherits in a circle: \(chain)", advice: "let one of them inherit base")
            }
            seen.append(parent)
            let found = try file(parent, beside: result.file)
            result = result.inheriting(found)
            next = found.inherits
        }
        return result
    }

    /// One file, by path or by name: beside the file that asks for it, in the folders, or compiled in.
    private func file(_ name: String, beside: String?) throws(ThemeError) -> ThemeFile {
        if name.contains("/") || name.hasSuffix(".toml") { return try ThemeFile(toml: read(name), file: name) }
        let near = beside.flatMap { $0.contains("/") ? String($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex)) : nil }
        for folder in ([near].compactMap { $0 } + folders) where isName(name) {
            let path = "\(folder)/\(name).toml"
            if FileManager.default.fileExists(atPath: path) { return try ThemeFile(toml: read(path), file: path) }
        }
        if let text = BuiltInThemes.texts[name] { return try ThemeFile(toml: text, file: name) }
        throw ThemeError(
            file: name, problem: "no such theme", advice: "use one of " + names.joined(separator: ", ") + ", or the path of a file")
    }

    private func isName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".") && !name.utf8.contains(0)
    }

    private func read(_ path: String) throws(ThemeError) -> String {
        let limit = 1 << 20
        let attributes = try? FileManager.default.attributesOfItem(atPath: (path as NSString).resolvingSymlinksInPath)
        guard let attributes, attributes[.type] as? FileAttributeType == .typeRegular else {
            throw ThemeError(file: path, problem: "no such file", advice: "give a theme file or one of " + names.joined(separator: ", "))
        }
        guard let size = attributes[.size] as? Int, size <= limit, let data = FileManager.default.contents(atPath: path) else {
            throw ThemeError(file: path, problem: "cannot be read, or is larger than 1 MiB", advice: "give a theme file that you may read")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ThemeError(file: path, problem: "is not UTF-8", advice: "save it as UTF-8")
        }
        return text
    }

    /// The folder of the running program, symbolic links followed.
    package static var programFolder: String? {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments.first
        guard let path, let slash = path.lastIndex(of: "/") else { return nil }
        return String(path[..<slash])
    }
}
