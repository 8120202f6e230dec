import Crypto

/// Small files that are there completely or not at all, and checksums of files of any size.
package enum WholeFile {
    /// Written under a passing name, synced, renamed, and the folder synced.
    package static func write(_ bytes: [UInt8], to path: String, as format: String) throws(CheckpointError) {
        var file = try NewFile(path: path, format: format, byteCount: bytes.count)
        try file.write(bytes, at: 0)
        try file.finish()
    }

    package static func read(_ path: String, as format: String, limit: Int) throws(CheckpointError) -> [UInt8] {
        try InputFile.read(path, shownAs: path, as: format, limit: limit)
    }

    /// SHA-256 of what lies at a path.
    package static func checksum(_ path: String, as format: String) throws(CheckpointError) -> (size: Int, sha256: String) {
        let file = try InputFile.map(path, shownAs: path, as: format)
        var hash = SHA256()
        hash.update(bufferPointer: file.bytes)
        return (file.byteCount, hash.finalize().hexadecimal)
    }
}

extension SHA256.Digest {
    /// 64 lower-case digits.
    package var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
