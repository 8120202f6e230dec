import Checkpoints
import Foundation
import Testing

/// A folder of its own for one test, gone with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("mica-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func url(_ name: String) -> URL { URL(fileURLWithPath: path).appendingPathComponent(name) }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: url(name))
        return url(name).path
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

    @discardableResult
    func folder(_ name: String) throws -> String {
        try FileManager.default.createDirectory(at: url(name), withIntermediateDirectories: true)
        return url(name).path
    }
}

/// The bytes of a safetensors file.
func safetensors(_ header: String, data: Int = 0) -> [UInt8] { safetensors(Array(header.utf8), data: [UInt8](repeating: 0, count: data)) }

func safetensors(_ header: [UInt8], data: [UInt8] = []) -> [UInt8] { littleEndian(UInt64(header.count)) + header + data }

/// A file of one tensor `w` of fp32.
func oneTensor(_ name: String = "w", _ values: [Float] = [1, 2, 3, 4]) -> [UInt8] {
    let header = #"{"\#(name)":{"dtype":"F32","shape":[\#(values.count)],"data_offsets":[0,\#(values.count * 4)]}}"#
    return safetensors(Array(header.utf8), data: values.flatMap { littleEndian(UInt64($0.bitPattern)).prefix(4) })
}

func littleEndian(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }

/// What opening must come to.
enum Verdict: Sendable {
    case accept(tensors: Int)
    /// The message has this in it.
    case reject(String)
}

/// One bad file of the table of cases.
struct FileCase: Sendable, CustomTestStringConvertible {
    let id: String
    let bytes: @Sendable () -> [UInt8]
    let verdict: Verdict

    init(_ id: String, _ verdict: Verdict, _ bytes: @autoclosure @escaping @Sendable () -> [UInt8]) {
        self.id = id
        self.bytes = bytes
        self.verdict = verdict
    }

    var testDescription: String { id }
}

/// Seconds that this thread has computed: the same however many tests run beside it.
func threadTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Runs `open` and holds what comes of it against the verdict and the two seconds.
func judge(_ verdict: Verdict, path: String, _ open: () throws -> Checkpoint) throws {
    let start = threadTime()
    let outcome = Result { try open() }
    #expect(threadTime() - start < 2)
    switch (verdict, outcome) {
    case (.accept(let count), .success(let checkpoint)): #expect(checkpoint.tensorCount == count)
    case (.reject(let fragment), .failure(let error)):
        let error = try #require(error as? CheckpointError)
        #expect(error.description.contains(fragment), "\(error)")
        #expect(error.description.hasPrefix("cannot load \(path)"), "\(error)")
        #expect(error.description.utf8.count < 2000)
        #expect(error.nextStep.hasSuffix(".") || error.nextStep.hasSuffix("\""), "\(error)")
    case (.accept, .failure(let error)): Issue.record("refused: \(error)")
    case (.reject(let fragment), .success): Issue.record("accepted, expected '\(fragment)'")
    }
}
