import Checkpoints
import Crypto
import Models
import Tensors

/// Tells whether weights or data are those that a run began with.
enum Fingerprint {
    /// Of a checkpoint: SHA-256 over the name, type, shape and hash of every tensor, by name.
    static func of(_ checkpoint: Checkpoint, threads: Int) -> String {
        var hash = SHA256()
        for entry in checkpoint.entries.sorted(by: { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }) {
            guard let tensor = try? checkpoint.tensor(named: entry.name) else { continue }
            let bytes = UnsafeRawBufferPointer(rebasing: tensor.bytes[..<min(tensor.byteCount, tensor.bytes.count)])
            let line = "\(entry.name) \(entry.type.rawValue) \(entry.dimensions) \(Kernels.hash(bytes, threads: threads))\n"
            Array(line.utf8).withUnsafeBytes { hash.update(bufferPointer: $0) }
            tensor.releasePages()
        }
        return hash.finalize().hexadecimal
    }
}
