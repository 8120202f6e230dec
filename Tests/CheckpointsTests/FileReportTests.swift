import Checkpoints
import Foundation
import Tensors
import Testing

@Suite struct FileReportTests {
    @Test func folder() throws {
        let folder = try TemporaryFolder()
        try folder.write("config.json", #"{"model_type":"llama"}"#)
        try folder.write("tokenizer.json", "{}")
        try folder.write("model.safetensors", oneTensor())
        let report = try FileReport(path: folder.path)
        #expect(report.kind == .folder && report.problems.isEmpty && report.config != nil)
        #expect(report.tensorCount == 1 && report.parameterCount == 4 && report.tensorBytes == 16)
        #expect(report.formats.map(\.type) == [.f32])
        #expect(report.notes.isEmpty && report.fileBytes > 16)
    }

    @Test func problemsAreCollected() throws {
        let folder = try TemporaryFolder()
        try folder.write("config.json", "{")
        try folder.write("generation_config.json", "[]")
        try folder.write("model.safetensors", "")
        let report = try FileReport(path: folder.path)
        #expect(report.problems.map(\.format) == ["config.json", "generation_config.json", "safetensors"])
        #expect(report.notes == ["no tokenizer: text can be given as ids only"])
    }

    @Test(arguments: [
        ("model.safetensors", FileReport.Kind.weights), ("model.safetensors.index.json", .index), ("config.json", .config),
        ("tokenizer.json", .tokenizer), ("tokenizer_config.json", .json), ("generation_config.json", .json), ("m.gguf", .weights),
    ]) func kindByName(_ name: String, _ kind: FileReport.Kind) throws {
        let folder = try TemporaryFolder()
        let report = try FileReport(path: folder.write(name, "x"))
        #expect(report.kind == kind)
        #expect(report.problems.isEmpty == (kind == .tokenizer))
    }

    @Test(arguments: [
        (#"{"weight_map":{}}"#, FileReport.Kind.index), (#"{"model_type":"x"}"#, .config), (#"{"model":{}}"#, .tokenizer), ("{}", .json),
        ("{", .config),
    ]) func kindByContent(_ text: String, _ kind: FileReport.Kind) throws {
        let folder = try TemporaryFolder()
        #expect(try FileReport(path: folder.write("other.json", text)).kind == kind)
    }
}

@Suite struct NonFiniteScanTests {
    /// One NaN, one infinity, the largest finite number and zero in each format.
    private static let samples: [(ElementType, [UInt64], nans: Int, infinities: Int)] = [
        (.f64, [0x7FF0_0000_0000_0001, 0xFFF0_0000_0000_0000, 0x7FEF_FFFF_FFFF_FFFF, 0], 1, 1),
        (.f32, [0x7FC0_0000, 0x7F80_0000, 0x7F7F_FFFF, 0x8000_0000], 1, 1),
        (.f32, [0xFF80_0000, 0x3F80_0000, 0, 0], 0, 1),
        (.f16, [0xFE00, 0x7C00, 0x7BFF, 0], 1, 1),
        (.bf16, [0x7FC0, 0xFF80, 0x7F7F, 0], 1, 1),
        (.f8e5m2, [0x7D, 0xFC, 0x7B, 0], 1, 1),
        (.f8e4m3, [0x7F, 0xFF, 0x7E, 0xFE], 2, 0),
        (.i32, [0x7FC0_0000, 0x7F80_0000, 0, 0], 0, 0),
    ]

    @Test(arguments: samples) func counts(_ type: ElementType, _ words: [UInt64], _ nans: Int, _ infinities: Int) throws {
        let folder = try TemporaryFolder()
        let data = words.flatMap { littleEndian($0).prefix(type.byteCount) }
        let header = #"{"a":{"dtype":"\#(type.rawValue)","shape":[4],"data_offsets":[0,\#(data.count)]}}"#
        let checkpoint = try Checkpoint(path: folder.write("x.safetensors", safetensors(Array(header.utf8), data: data)))
        let scan = try NonFiniteScan(of: checkpoint)
        #expect(scan.findings.map(\.name) == (nans + infinities > 0 ? ["a"] : []))
        #expect(scan.findings.first?.nanCount ?? 0 == nans && scan.findings.first?.infinityCount ?? 0 == infinities)
        #expect(scan.scannedBytes == (type.isFloat ? data.count : 0) && scan.skippedBytes == 0)
    }

    @Test func warning() throws {
        let folder = try TemporaryFolder()
        let checkpoint = try Checkpoint(path: folder.write("x.safetensors", oneTensor("a", [1, .nan, -.infinity, 3])))
        #expect(try NonFiniteScan(of: checkpoint).warning == "1 tensor contains NaN/Inf: 'a' (1 NaN, 1 Inf)")
    }

    @Test func limitsAreKeptAndTold() throws {
        let folder = try TemporaryFolder()
        let checkpoint = try Checkpoint(path: folder.write("x.safetensors", oneTensor("a", [.nan, 1])))
        let few = try NonFiniteScan(of: checkpoint, byteLimit: 7)
        #expect(few.scannedBytes == 0 && few.skippedBytes == 8 && few.warning == nil)
        let late = try NonFiniteScan(of: checkpoint, timeLimit: .zero)
        #expect(late.skippedBytes == 8)
    }

    @Test func shrunkFileIsAnError() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("x.safetensors", oneTensor("a", [Float](repeating: 1, count: 5000)))
        let checkpoint = try Checkpoint(path: path)
        try #require(truncate(path, 4096) == 0)
        #expect(throws: CheckpointError.self) { try NonFiniteScan(of: checkpoint) }
    }
}
