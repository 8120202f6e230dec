import Foundation
import Tensors

/// Which tensors hold NaN or infinities. All data is read for it, so it is not begun above a limit of bytes, stops at a limit of time, and
/// says how much it left.
package struct NonFiniteScan: Sendable {
    package struct Finding: Sendable, Equatable {
        package let name: String
        package let nanCount: Int
        package let infinityCount: Int
    }

    package private(set) var findings: [Finding] = []
    package private(set) var scannedBytes = 0
    /// Of floating-point tensors that were not read.
    package private(set) var skippedBytes = 0
    private let deadline: ContinuousClock.Instant

    package init(
        of checkpoint: Checkpoint, byteLimit: Int = 2_000_000_000, timeLimit: Duration = .milliseconds(1200)
    ) throws(CheckpointError) {
        let total = checkpoint.entries.reduce(0) { $0 + ($1.type.isFloat ? $1.range.count : 0) }
        deadline = ContinuousClock().now + timeLimit
        if total > byteLimit {
            skippedBytes = total
            return
        }
        for file in checkpoint.files { try scan(file) }
    }

    /// `2 tensors contain NaN/Inf: 'a' (1 NaN), 'b' (2 Inf)`
    package var warning: String? {
        guard !findings.isEmpty else { return nil }
        let list = findings.prefix(5).map { finding in
            let counts = [(finding.nanCount, "NaN"), (finding.infinityCount, "Inf")].filter { $0.0 > 0 }
            return "\(CheckpointError.quoted(finding.name)) (\(counts.map { "\($0.0) \($0.1)" }.joined(separator: ", ")))"
        }
        let noun = findings.count == 1 ? "tensor contains" : "tensors contain"
        return "\(findings.count) \(noun) NaN/Inf: \(list.joined(separator: ", "))\(findings.count > 5 ? ", …" : "")"
    }

    /// What was not looked at, if anything.
    package var gap: String? {
        if skippedBytes == 0 { return nil }
        return scannedBytes == 0
            ? "too large to look for NaN/Inf (\(skippedBytes) bytes)" : "NaN/Inf: the last \(skippedBytes) bytes were not looked at"
    }

    /// The file is read and not mapped: a file that shrinks meanwhile is a short read, not a fault, and no page stays resident.
    private mutating func scan(_ file: any WeightFile) throws(CheckpointError) {
        let descriptor = open(file.file.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw CheckpointError(file.path, "weights", FileError(path: file.path, code: errno)) }
        defer { close(descriptor) }
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { chunk.deallocate() }
        for entry in file.entries {
            guard let pattern = Pattern(entry.type) else { continue }
            try scan(entry, pattern, descriptor, chunk, path: file.path)
        }
    }

    private mutating func scan(
        _ entry: TensorEntry, _ pattern: Pattern, _ descriptor: Int32, _ chunk: UnsafeMutableRawBufferPointer, path: String
    ) throws(CheckpointError) {
        var (nans, infinities) = (0, 0)
        var at = entry.range.lowerBound
        while at < entry.range.upperBound {
            let count = min(chunk.count, entry.range.upperBound - at)
            guard ContinuousClock().now < deadline else {
                skippedBytes += entry.range.upperBound - at
                break
            }
            guard pread(descriptor, chunk.baseAddress, count, at) == count else {
                let rule = "cannot read \(count) bytes at \(at); the file was changed while it was open"
                throw CheckpointError(path, "weights", rule, next: "Open it again.")
            }
            let (more, moreInfinities) = pattern.count(in: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
            (nans, infinities) = (nans + more, infinities + moreInfinities)
            (scannedBytes, at) = (scannedBytes + count, at + count)
        }
        if nans + infinities > 0 { findings.append(Finding(name: entry.name, nanCount: nans, infinityCount: infinities)) }
    }
}

/// The bits of a format's infinity; what is larger, sign aside, is NaN.
private struct Pattern {
    let type: ElementType
    let infinity: UInt64

    init?(_ type: ElementType) {
        self.type = type
        switch type {
        case .f64: infinity = 0x7FF0_0000_0000_0000
        case .f32: infinity = 0x7F80_0000
        case .f16: infinity = 0x7C00
        case .bf16: infinity = 0x7F80
        case .f8e5m2: infinity = 0x7C
        // E4M3 has no infinity and one NaN: the pattern below it is the number 448.
        case .f8e4m3: infinity = 0x7E
        default: return nil
        }
    }

    func count(in bytes: UnsafeRawBufferPointer) -> (nans: Int, infinities: Int) {
        switch type.byteCount {
        case 8: return count(bytes.bindMemory(to: UInt64.self))
        case 4: return count(bytes.bindMemory(to: UInt32.self))
        case 2: return count(bytes.bindMemory(to: UInt16.self))
        default: return count(bytes.bindMemory(to: UInt8.self))
        }
    }

    private func count<Word: FixedWidthInteger>(_ words: UnsafeBufferPointer<Word>) -> (nans: Int, infinities: Int) {
        let (infinity, magnitude) = (Word(truncatingIfNeeded: infinity), Word.max >> 1)
        // The largest magnitude is found many words at a time; counting is for the rare chunk that needs it.
        if words.reduce(0, { max($0, $1 & magnitude) }) < infinity { return (0, 0) }
        var (nans, atLimit) = (0, 0)
        for word in words {
            nans &+= word & magnitude > infinity ? 1 : 0
            atLimit &+= word & magnitude == infinity ? 1 : 0
        }
        return (nans, type == .f8e4m3 ? 0 : atLimit)
    }
}
