import Checkpoints
import Foundation
import Testing

/// One way to make a model folder bad; the id is that of the table of hostile cases.
private struct FolderCase: Sendable, CustomTestStringConvertible {
    let id: String
    let verdict: Verdict
    /// What is opened, inside the folder; empty: the folder itself.
    let opened: String
    let make: @Sendable (TemporaryFolder) throws -> Void

    init(_ id: String, _ verdict: Verdict, opened: String = "", _ make: @escaping @Sendable (TemporaryFolder) throws -> Void) {
        self.id = id
        self.verdict = verdict
        self.opened = opened
        self.make = make
    }

    var testDescription: String { id }
}

private let indexName = "model.safetensors.index.json"

private func index(_ map: String) -> String { #"{"metadata":{"total_size":32},"weight_map":\#(map)}"# }

/// Two shards and an index whose `weight_map` has the shard name `name` for its second tensor.
private func shards(_ name: String) -> @Sendable (TemporaryFolder) throws -> Void {
    { folder in
        try folder.write("model-00001-of-00002.safetensors", oneTensor("a"))
        try folder.write("model-00002-of-00002.safetensors", oneTensor("b"))
        try folder.write(indexName, index(#"{"a":"model-00001-of-00002.safetensors","b":"\#(name)"}"#))
    }
}

private let plain = "shard name must be a plain file name in the model folder"

private let cases: [FolderCase] = [
    FolderCase("shards", .accept(tensors: 2), shards("model-00002-of-00002.safetensors")),
    FolderCase("shards by their index", .accept(tensors: 2), opened: indexName, shards("model-00002-of-00002.safetensors")),
    FolderCase("I01 parent", .reject(plain), shards("../../etc/passwd")),
    FolderCase("I01 parent alone", .reject(plain), shards("..")),
    FolderCase("I02 absolute", .reject(plain), shards("/etc/passwd")),
    FolderCase("I02 empty", .reject(plain), shards("")),
    FolderCase("I04 device", .reject(plain), shards("/dev/zero")),
    FolderCase("I05 NUL", .reject(plain), shards("model-00002-of-00002.safetensors\\u0000.txt")),
    FolderCase("I06 ESC", .reject(plain), shards("\\u001b[2J")),
    FolderCase(
        "I03 missing", .reject("missing shard 'model-00009-of-00002.safetensors': download incomplete (1 of 2)"),
        shards("model-00009-of-00002.safetensors")),
    FolderCase(
        "I03 missing, by the index", .reject("download incomplete (1 of 2)"), opened: indexName, shards("model-00009-of-00002.safetensors")),
    FolderCase("I07 list", .reject("weight_map must be an object of tensor names and file names, is an array")) {
        try $0.write(indexName, index("[]"))
    },
    FolderCase("I07 none", .reject("missing weight_map")) { try $0.write(indexName, "{}") },
    FolderCase("I07 no object", .reject("index.json: not a JSON object: line 1, column 1")) { try $0.write(indexName, "[]") },
    FolderCase("I07 two maps", .reject("has the key 'weight_map' twice")) {
        try $0.write(indexName, #"{"weight_map":{},"weight_map":{}}"#)
    },
    FolderCase("I07 tensor twice", .reject("has the key 'a' twice")) { try $0.write(indexName, index(#"{"a":"x","a":"y"}"#)) },
    FolderCase("I07 pointer", .reject("this is a git-lfs pointer")) {
        try $0.write(indexName, "version https://git-lfs.github.com/spec/v1\n")
    },
    FolderCase("I07 empty", .reject("weight_map is empty")) { try $0.write(indexName, index("{}")) },
    FolderCase("I07 number", .reject("the file of 'a' must be a string, is a number")) { try $0.write(indexName, index(#"{"a":1}"#)) },
    FolderCase("I07 not JSON", .reject("index.json: not a JSON object: line 1, column 1")) { try $0.write(indexName, "") },
    FolderCase(
        "I08 not in its shard", .reject("tensor 'b' is not in its shard 'model-00001-of-00002.safetensors'"),
        shards("model-00001-of-00002.safetensors")),
    FolderCase("I08 in two shards", .reject("tensor 'a' is in two shards")) { folder in
        try shards("model-00002-of-00002.safetensors")(folder)
        let header = #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#
        try folder.write("model-00002-of-00002.safetensors", safetensors(header, data: 2))
    },
    FolderCase("I08 shard damaged", .reject("header is empty")) { folder in
        try shards("model-00002-of-00002.safetensors")(folder)
        try folder.write("model-00002-of-00002.safetensors", littleEndian(0))
    },
    FolderCase("I09 link out", .reject("the link leaves the model folder")) { folder in
        let other = try folder.folder("other") + "/x.safetensors"
        try folder.folder("inner")
        try folder.write("other/x.safetensors", oneTensor())
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/inner/model.safetensors", withDestinationPath: other)
    },
    FolderCase("I09 link inside", .accept(tensors: 1)) { folder in
        try folder.write("weights.dat", oneTensor())
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/model.safetensors", withDestinationPath: "weights.dat")
    },
    FolderCase("I09 dangling link", .reject("No such file or directory")) { folder in
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/model.safetensors", withDestinationPath: "nothing")
    },
    FolderCase("I09 link to itself", .reject("safetensors: Too many levels of symbolic links")) { folder in
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/model.safetensors", withDestinationPath: "model.safetensors")
    },
    FolderCase("I09 FIFO", .reject("is not a regular file but a FIFO")) { #expect(mkfifo($0.path + "/model.safetensors", 0o600) == 0) },
    FolderCase("I09 FIFO itself", .reject("is not a regular file but a FIFO"), opened: "model.safetensors") {
        #expect(mkfifo($0.path + "/model.safetensors", 0o600) == 0)
    },
    FolderCase("I09 folder", .reject("is not a regular file but a folder")) { try $0.folder("model.safetensors") },
    FolderCase("missing path", .reject("No such file or directory"), opened: "nothing") { _ in },
    FolderCase("empty folder", .reject("the folder is empty")) { try $0.folder("inner") },
    FolderCase("no weights", .reject("no weights in the folder (found 'a.txt')")) { try $0.write("a.txt", "") },
    FolderCase("P01 only a zip", .reject("PyTorch pickle files can run code when opened; this program never opens them")) {
        try $0.write("config.json", "{}")
        try $0.write("pytorch_model.bin", Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 80))
    },
    FolderCase("P04 only a pickle", .reject("only 'model.pt': this is a Python pickle")) {
        try $0.write("model.pt", [0x80, 2, 0x8A, 0x0A])
    },
    FolderCase("P04 only unknown", .reject("only 'x.ckpt': PyTorch pickle files can run code")) { try $0.write("x.ckpt", [0, 1, 2]) },
    FolderCase("P04 bin is a pointer", .reject("only 'pytorch_model.bin': this is a git-lfs pointer")) {
        try $0.write("pytorch_model.bin", "version https://git-lfs.github.com/spec/v1\n")
    },
    FolderCase("P01 pickle itself", .reject("this is a Python pickle, refused: may run code"), opened: "m.bin") {
        try $0.write("m.bin", [0x80, 2, 0x8A, 0x0A] + [UInt8](repeating: 1, count: 20))
    },
    FolderCase("P02 npz", .reject("archives are not supported"), opened: "m.npz") {
        try $0.write("m.npz", Array("PK\u{3}\u{4}".utf8) + [0, 0, 0, 0, 1])
    },
    FolderCase("P02 ONNX", .reject(".onnx archives are not supported"), opened: "m.onnx") {
        try $0.write("m.onnx", [8, 7, 0x12, 4, 0, 0, 0, 0, 0, 0x80])
    },
    FolderCase("GGUF only", .reject("only 'm.gguf': this is a GGUF file, and GGUF is not supported yet")) {
        try $0.write("m.gguf", "GGUF\u{3}\0\0\0")
    },
    FolderCase("safetensors under another suffix", .accept(tensors: 1), opened: "m.bin") { try $0.write("m.bin", oneTensor()) },
    FolderCase("one file of another name", .accept(tensors: 1)) { try $0.write("weights.safetensors", oneTensor()) },
    FolderCase("two files of other names", .reject("2 safetensors files ('a.safetensors', 'b.safetensors')")) {
        try $0.write("a.safetensors", oneTensor())
        try $0.write("b.safetensors", oneTensor())
    },
    FolderCase("shard without index", .reject("model.safetensors.index.json is missing: download incomplete")) {
        try $0.write("model-00001-of-00002.safetensors", oneTensor())
    },
    FolderCase("adapter", .reject("only an adapter is here")) { try $0.write("adapter_model.safetensors", oneTensor()) },
]

@Suite struct FolderTests {
    @Test(arguments: cases) private func verdict(_ folderCase: FolderCase) throws {
        let folder = try TemporaryFolder()
        try folderCase.make(folder)
        let inner = FileManager.default.fileExists(atPath: folder.path + "/inner") ? "/inner" : ""
        let path = folder.path + (folderCase.opened.isEmpty ? inner : "/" + folderCase.opened)
        try judge(folderCase.verdict, path: folder.path + inner) { try Checkpoint(path: path) }
    }

    @Test func nulAndEmptyPaths() {
        #expect(throws: CheckpointError.self) { try Checkpoint(path: "") }
        #expect(throws: CheckpointError.self) { try Checkpoint(path: "/tmp\0/x") }
        #expect(throws: CheckpointError.self) { try ModelFolder(path: "/tmp\0/x") }
        #expect(throws: CheckpointError.self) { try FileReport(path: "/tmp\0/x") }
    }

    /// The cache of the Hugging Face hub: snapshots hold links to blobs beside them.
    @Test func hubCacheIsFollowed() throws {
        let cache = try TemporaryFolder()
        try cache.folder("blobs")
        let snapshot = try cache.folder("snapshots/0123")
        try cache.write("blobs/abc", oneTensor())
        try FileManager.default.createSymbolicLink(atPath: snapshot + "/model.safetensors", withDestinationPath: "../../blobs/abc")
        #expect(try Checkpoint(path: snapshot).tensorCount == 1)
    }

    @Test(.disabled(if: geteuid() == 0, "root may read everything")) func noPermission() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("model.safetensors", oneTensor())
        chmod(path, 0)
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: folder.path) }
        #expect(error?.description.contains("Permission denied") == true)
    }

    @Test func wholeFileBeatsIndex() throws {
        let folder = try TemporaryFolder()
        try shards("model-00002-of-00002.safetensors")(folder)
        try folder.write("model.safetensors", oneTensor("whole"))
        let checkpoint = try Checkpoint(path: folder.path)
        #expect(checkpoint["whole"] != nil && checkpoint.tensorCount == 1 && checkpoint.notes.count == 1)
    }

    @Test func tensorsOfShards() throws {
        let folder = try TemporaryFolder()
        try shards("model-00002-of-00002.safetensors")(folder)
        let checkpoint = try Checkpoint(path: folder.path)
        #expect(try checkpoint.tensor(named: "b").floats() == [1, 2, 3, 4])
        #expect(checkpoint.parameterCount == 8 && checkpoint.byteCount == 32 && checkpoint.notes.isEmpty)
        let error = #expect(throws: CheckpointError.self) { try checkpoint.tensor(named: "c") }
        #expect(error?.rule == "tensor 'c' is missing")
    }

    @Test func changedFilesAreNoticed() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("model.safetensors", oneTensor())
        let checkpoint = try Checkpoint(path: folder.path)
        try checkpoint.verifyUnchanged()
        try folder.write("model.safetensors", oneTensor("other"))
        #expect(throws: CheckpointError.self) { try checkpoint.verifyUnchanged() }
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: CheckpointError.self) { try checkpoint.verifyUnchanged() }
    }

    /// A model of 16 GB in a file with nothing in it: only its table is read.
    @Test func largeFilesOpenDry() throws {
        let folder = try TemporaryFolder()
        let (rows, columns, layers) = (4096, 14336, 140)
        let size = rows * columns * 2
        let header = (0..<layers).map {
            #""l\#($0)":{"dtype":"BF16","shape":[\#(rows),\#(columns)],"data_offsets":[\#($0 * size),\#(($0 + 1) * size)]}"#
        }
        let bytes = safetensors("{\(header.joined(separator: ","))}")
        let path = try folder.write("model.safetensors", bytes)
        try #require(truncate(path, off_t(bytes.count + layers * size)) == 0)
        let before = residentBytes()
        let start = ContinuousClock().now
        #expect(try Checkpoint(path: folder.path).parameterCount == layers * rows * columns)
        #expect(ContinuousClock().now - start < .seconds(1))
        #expect(residentBytes() - before < 50_000_000)
    }
}

private func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
}
