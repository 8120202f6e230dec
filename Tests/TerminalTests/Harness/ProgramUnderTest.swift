import Glibc

/// The workbench as the tests start it: the `mica` that was built with them.
enum ProgramUnderTest {
    /// The executable: named by MICA_TEST_PROGRAM, or found beside the test bundle or in a folder above it.
    static let path: String? = {
        if let named = getenv("MICA_TEST_PROGRAM") { return String(cString: named) }
        var folders = CommandLine.arguments.map { String($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex)) }
        folders.append(contentsOf: [linkTarget("/proc/self/exe")].compactMap { $0 })
        for var folder in folders where folder.hasPrefix("/") {
            while !folder.isEmpty {
                let candidate = folder + "/mica"
                if access(candidate, X_OK) == 0, isFile(candidate) { return candidate }
                folder = String(folder.prefix(upTo: folder.lastIndex(of: "/") ?? folder.startIndex))
            }
        }
        return nil
    }()

    private static func linkTarget(_ link: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(link, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let path = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
    }

    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// A plain environment: nothing of the machine the tests run on, and no crash reports, which take seconds.
    static let environment: [String: String] = [
        "PATH": getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin",
        "HOME": "/tmp", "LANG": "C.UTF-8", "TERM": "xterm-256color", "ESCDELAY": "50", "SWIFT_BACKTRACE": "enable=no",
    ].merging(library) { old, _ in old }

    /// Where the Swift runtime lies, if the test runner needs to be told.
    private static let library = getenv("LD_LIBRARY_PATH").map { ["LD_LIBRARY_PATH": String(cString: $0)] } ?? [:]
}
