import Engine
import Foundation
import Tensors

/// What the measurements were made on.
struct BenchMachine {
    let threads: Int
    /// GFLOP/s of the engine's own product on a large square.
    let productLimit: Double
    var instructionSet: String { Machine.instructionSet }
    var blasCore: String { BLAS.core }
}

/// How fast a matrix product can be here: the engine's own on a square that is large enough to hide everything else.
enum ProductLimit {
    /// GFLOP/s, the best of several, in the format in which the policy multiplies.
    static func measure(_ policy: Policy) throws -> Double {
        let format: NumberFormat = policy.multipliesBF16 ? .bf16 : .fp32
        let small = try measure(size: 512, format, threads: policy.threads)
        return small < 20 ? small : max(small, try measure(size: 2048, format, threads: policy.threads))
    }

    private static func measure(size: Int, _ format: NumberFormat, threads: Int) throws -> Double {
        try MachineLimits.product(size: size, of: format, threads: threads, for: .milliseconds(700)) { try Interrupt.check() } * 1e-9
    }
}

/// The most memory that was resident at one time.
enum PeakMemory {
    /// Since the last reset, where the system can forget; else since the start.
    static var bytes: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        if let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) { return kilobytes * 1024 }
        var usage = rusage()
        // 0 is RUSAGE_SELF, which Swift imports with another type than getrusage takes.
        getrusage(0, &usage)
        return usage.ru_maxrss * 1024
    }

    /// proc(5): writing 5 to clear_refs sets the peak to what is resident now.
    static func reset() {
        let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = write(descriptor, "5", 1)
    }
}
