import CKernels
import Synchronization

/// Memory for values, 64-byte aligned and uninitialised. It is written once, before it is shared; after that nobody writes below
/// `filled`, so readers on other threads need no lock. The address is kept as an integer because pointers are not Sendable.
package final class Buffer: Sendable {
    package let byteCount: Int
    private let address: UInt
    /// Bytes that belong to a published tensor. A cache grows by claiming the bytes behind them (see `claim`).
    private let filled: Atomic<Int>

    /// Fails, where an array would abort the process, if there is no memory.
    package init(byteCount: Int) throws(OutOfMemory) {
        guard byteCount >= 0, let base = ck_allocate(max(byteCount, 64)) else { throw OutOfMemory(byteCount: byteCount) }
        self.byteCount = byteCount
        address = UInt(bitPattern: base)
        filled = Atomic(0)
    }

    /// Gives memory that was kept for reuse back to the system.
    package static func releaseUnused() { ck_release_pool() }

    deinit {
        if let base = UnsafeMutableRawPointer(bitPattern: address) { ck_free(base, max(byteCount, 64)) }
    }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: byteCount) }

    /// For the one who makes the value, before anybody else sees it.
    package var writable: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(bitPattern: address), count: byteCount)
    }

    /// Takes `[from, to)` for a writer if nobody has written there yet. Of two that would append behind the same value (a run that was
    /// stepped back and forward again), the second is refused and copies.
    package func claim(from: Int, to: Int) -> Bool {
        to <= byteCount && filled.compareExchange(expected: from, desired: to, ordering: .acquiringAndReleasing).exchanged
    }
}

package struct OutOfMemory: Error, CustomStringConvertible, Sendable {
    package let byteCount: Int
    package var description: String { "no memory for a value of \(byteCount) bytes; use fewer tokens or a smaller --memory" }
}
