import Foundation

/// Reads whole files, and only regular ones: a pipe or a device would never end.
enum FileReading {
    /// No published tokenizer comes near this.
    static let maximumSize = 256 << 20

    static func bytes(_ path: String) throws(TokenizerError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        if descriptor < 0 { throw system(path) }
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw system(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw TokenizerError(file: path, rule: "not a regular file", remedy: "Give a tokenizer.json or the folder that holds it.")
        }
        let size = Int(status.st_size)
        if size > maximumSize {
            let rule = "file is \(size) bytes, limit \(maximumSize)"
            throw TokenizerError(file: path, rule: rule, remedy: "Is this a tokenizer? Give a tokenizer.json.")
        }
        return try contents(descriptor, size, path)
    }

    private static func contents(_ descriptor: Int32, _ size: Int, _ path: String) throws(TokenizerError) -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size, let base = buffer.baseAddress {
                let got = read(descriptor, base + count, size - count)
                if got < 0 && errno == EINTR { continue }
                failed = got < 0
                if got <= 0 { break }
                count += got
            }
        }
        if failed { throw system(path) }
        return bytes
    }

    private static func system(_ path: String) -> TokenizerError {
        TokenizerError(file: path, rule: String(cString: strerror(errno)), remedy: "Check the path and its permissions.")
    }

    enum Kind {
        case missing, folder, other
    }

    static func kind(_ path: String) -> Kind {
        var status = stat()
        if stat(path, &status) != 0 { return .missing }
        return status.st_mode & S_IFMT == S_IFDIR ? .folder : .other
    }
}
