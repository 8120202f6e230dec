import Checkpoints
import Foundation
import Tensors
import Testing

@Suite struct SafetensorsWriterTests {
    @Test func roundTrip() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/out.safetensors"
        var plans = ElementType.inFiles.map { TensorPlan("t.\($0.rawValue)", $0, [2, 3]) }
        plans += [TensorPlan("empty", .f32, [2, 0]), TensorPlan("one", .f64, []), TensorPlan("\"\\\u{1B}\n\u{E9}\u{1F40B}", .u8, [1])]
        let metadata = [(key: "format", value: "pt"), (key: "\"quoted\"\t", value: "\u{0}\u{7F}")]
        var writer = try SafetensorsWriter(path: path, tensors: plans, metadata: metadata)
        for plan in plans.reversed() { try content(of: plan).withUnsafeBytes { try writer.write(plan.name, bytes: $0) } }
        try writer.finish()
        let file = try SafetensorsFile(path: path)
        #expect(file.entries.count == plans.count)
        #expect(file.metadata.map(\.key) == metadata.map(\.key) && file.metadata.map(\.value) == metadata.map(\.value))
        for plan in plans {
            let entry = try #require(file[plan.name])
            #expect(entry.type == plan.type && entry.dimensions == plan.dimensions)
            #expect(entry.range.lowerBound % plan.type.byteCount == 0)
            #expect(Array(file.file.bytes[entry.range]) == content(of: plan))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out.safetensors"])
    }

    private func content(of plan: TensorPlan) -> [UInt8] {
        let count = plan.dimensions.reduce(plan.type.byteCount, *)
        return (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + plan.name.utf8.count) }
    }

    @Test func tensorsAreConvertedToFP32() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/out.safetensors"
        let matrix = try Tensor(Shape((.output, 2), (.input, 3)), [1, 2, 3, 4, 5, 6])
        let part = matrix.view(Shape((.output, 2), (.input, 2)), strides: [3, 1], offset: 1)
        var writer = try SafetensorsWriter(path: path, tensors: [TensorPlan("ids", .f32, [2]), TensorPlan("part", .f32, [2, 2])])
        try writer.write("ids", Tensor(ids: [7, -1]))
        try writer.write("part", part)
        try writer.finish()
        let checkpoint = try Checkpoint(path: path)
        #expect(try checkpoint.tensor(named: "ids").floats() == [7, -1])
        #expect(try checkpoint.tensor(named: "part").floats() == [2, 3, 5, 6])
    }

    @Test func nothingIsLeftOfAnUnfinishedFile() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("out.safetensors", oneTensor("old"))
        do {
            var writer = try SafetensorsWriter(path: path, tensors: [TensorPlan("a", .f32, [4]), TensorPlan("b", .f32, [4])])
            try [UInt8](repeating: 0, count: 16).withUnsafeBytes { try writer.write("a", bytes: $0) }
            try writer.finish()
            Issue.record("finished without 'b'")
        } catch let error as CheckpointError {
            #expect(error.rule == "1 planned tensors were not written, first 'b'")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out.safetensors"])
        #expect(try Checkpoint(path: path)["old"] != nil)
    }

    @Test func mappedFileIsNotCutShort() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("out.safetensors", oneTensor("old"))
        let old = try Checkpoint(path: path).tensor(named: "old")
        try SafetensorsWriter(path: path, tensors: []).finish()
        #expect(old.floats() == [1, 2, 3, 4])
        #expect(try Checkpoint(path: path).tensorCount == 0)
    }

    @Test func abandonedFilesAreRemoved() throws {
        let folder = try TemporaryFolder()
        try folder.write(".mica-1-x.part", "half a file")
        try folder.write("keep.part", "not ours")
        let path = folder.path + "/out.safetensors"
        let first = try SafetensorsWriter(path: folder.path + "/first.safetensors", tensors: [])
        try SafetensorsWriter(path: path, tensors: []).finish()
        try first.finish()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names == ["first.safetensors", "keep.part", "out.safetensors"])
    }

    @Test func linksAreWrittenThrough() throws {
        let folder = try TemporaryFolder()
        try folder.write("real.safetensors", oneTensor("old"))
        let link = folder.path + "/link.safetensors"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real.safetensors")
        try SafetensorsWriter(path: link, tensors: [TensorPlan("new", .u8, [0])]).finishEmpty("new")
        #expect(try Checkpoint(path: folder.path + "/real.safetensors")["new"] != nil)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "real.safetensors")
    }

    /// Tried on what lies in a folder of its own: a device that this replaced would be gone.
    @Test(arguments: [
        ("fifo", "is not a regular file"), ("folder", "is not a regular file"), ("none/x", "No such file or directory"),
        ("a\0b", "has a NUL byte"),
    ]) func badPaths(_ name: String, _ fragment: String) throws {
        let folder = try TemporaryFolder()
        try folder.folder("folder")
        #expect(mkfifo(folder.path + "/fifo", 0o600) == 0)
        #expect {
            try SafetensorsWriter(path: folder.path + "/" + name, tensors: []).finish()
        } throws: {
            "\($0)".contains(fragment) && "\($0)".hasPrefix("cannot write")
        }
        #expect(throws: CheckpointError.self) { try SafetensorsWriter(path: "", tensors: []).finish() }
    }

    @Test func fullDiskIsSeenBeforehand() throws {
        let folder = try TemporaryFolder()
        let plans = [TensorPlan("a", .u8, [1 << 60])]
        #expect { try SafetensorsWriter(path: folder.path + "/x", tensors: plans).finish() } throws: {
            "\($0)".contains("No space left on device")
        }
    }

    @Test(arguments: [
        ([TensorPlan("a", .u8, [0]), TensorPlan("a", .u8, [0])], "'a' planned twice"),
        ([TensorPlan("__metadata__", .u8, [0])], "cannot be a tensor's name"),
        ([TensorPlan("a", .u8, [1, 1, 1, 1, 1, 1, 1, 1, 1])], "rank 9 > 8"),
        ([TensorPlan("a", .f64, [1 << 61])], "shape out of range"),
        ([TensorPlan("a", .u8, [-1])], "shape out of range"),
        ([TensorPlan("a", .u8, [1 << 62]), TensorPlan("b", .u8, [1 << 62])], "too large"),
    ]) func badPlans(_ plans: [TensorPlan], _ fragment: String) throws {
        let folder = try TemporaryFolder()
        #expect { try SafetensorsWriter(path: folder.path + "/x", tensors: plans).finish() } throws: { "\($0)".contains(fragment) }
    }

    @Test func badWrites() throws {
        let folder = try TemporaryFolder()
        var writer = try SafetensorsWriter(path: folder.path + "/x", tensors: [TensorPlan("a", .u8, [1]), TensorPlan("b", .f32, [1])])
        let byte: [UInt8] = [1]
        var rules: [String] = []
        for (name, bytes) in [("c", byte), ("a", byte + byte), ("b", byte), ("a", byte), ("a", byte)] {
            do { try bytes.withUnsafeBytes { try writer.write(name, bytes: $0) } } catch { rules.append("\(error)") }
        }
        let fragments = [
            "'c' was not planned", "'a' has 2 bytes, planned were 1", "'b' has 1 bytes, planned were 4", "'a' was written twice",
        ]
        #expect(rules.count == fragments.count)
        for (rule, fragment) in zip(rules, fragments) { #expect(rule.contains(fragment)) }
    }
}

extension SafetensorsWriter {
    /// Writes the one empty tensor of a plan.
    fileprivate consuming func finishEmpty(_ name: String) throws {
        var writer = self
        try writer.write(name, bytes: UnsafeRawBufferPointer(start: nil, count: 0))
        try writer.finish()
    }
}
