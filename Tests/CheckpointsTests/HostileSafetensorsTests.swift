import Checkpoints
import Testing

private func tensor(_ name: String, _ dtype: String, _ shape: String, _ offsets: String) -> String {
    #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
}

private func one(_ dtype: String, _ shape: String, _ offsets: String, data: Int) -> [UInt8] {
    safetensors("{\(tensor("a", dtype, shape, offsets))}", data: data)
}

private func two(_ a: (String, String), _ b: (String, String), data: Int) -> [UInt8] {
    safetensors("{\(tensor("a", "F32", a.0, a.1)),\(tensor("b", "F32", b.0, b.1))}", data: data)
}

private func emptyTensors(_ count: Int) -> [UInt8] {
    safetensors("{" + (0..<count).map { tensor("t\($0)", "F32", "[0]", "[0,0]") }.joined(separator: ",") + "}")
}

private let huge = "18446744073709551616"

private let cases: [FileCase] = [
    FileCase("S01 empty", .reject("file is 0 bytes, too short for the 8-byte header length"), []),
    FileCase("S02 seven bytes", .reject("file is 7 bytes, too short for the 8-byte header length"), [UInt8](repeating: 0, count: 7)),
    FileCase("S03 length beyond the file", .reject("header length 60 exceeds file (10 bytes)"), littleEndian(60) + [0x7B, 0x7D]),
    FileCase("S04 length 2^64-1", .reject("header length 18446744073709551615 exceeds limit 100000000"), littleEndian(.max) + [0x7B]),
    FileCase("S05 length over the limit", .reject("header length 100000001 exceeds limit 100000000"), littleEndian(100_000_001) + [0x7B]),
    FileCase("S06 big-endian", .reject("looks big-endian"), littleEndian(2).reversed() + [0x7B, 0x7D]),
    FileCase("S07 length 0", .reject("header is empty"), littleEndian(0) + [1, 2]),
    FileCase("S07 only space", .reject("header is empty"), safetensors("    ")),
    FileCase("S08 not UTF-8", .reject("header is not valid UTF-8 at byte 10"), safetensors([0x7B, 0x22, 0xFF, 0x22, 0x7D])),
    FileCase("S09 truncated JSON", .reject("header JSON ends early"), safetensors(#"{"a":{"dtype":"F32","#)),
    FileCase("S09 truncated string", .reject("header JSON ends early"), safetensors(#"{"a"#)),
    FileCase("S10 array", .reject("header must be a JSON object"), safetensors("[]")),
    FileCase("S10 number", .reject("header must be a JSON object"), safetensors("12")),
    FileCase("S11 leading space", .accept(tensors: 1), safetensors("  \n{\(tensor("a", "U8", "[1]", "[0,1]"))}", data: 1)),
    FileCase("S11 trailing space", .accept(tensors: 1), safetensors("{\(tensor("a", "U8", "[1]", "[0,1]"))}   ", data: 1)),
    FileCase("S12 text after", .reject("text after header object"), safetensors("{}xx")),
    FileCase(
        "S13 twice", .reject("tensor 'w' defined twice"),
        safetensors("{\(tensor("w", "U8", "[4]", "[0,4]")),\(tensor("w", "F32", "[1]", "[0,4]"))}", data: 4)),
    FileCase("S13 metadata twice", .reject("__metadata__ defined twice"), safetensors(#"{"__metadata__":{},"__metadata__":{}}"#)),
    FileCase("S13 metadata key twice", .reject("__metadata__ has 'a' twice"), safetensors(#"{"__metadata__":{"a":"","a":""}}"#)),
    FileCase(
        "S13 field twice", .reject("has the key 'dtype' twice"),
        safetensors(#"{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 4)),
    FileCase(
        "S14 canonical pair", .accept(tensors: 2),
        safetensors("{\(tensor("\u{E9}", "U8", "[1]", "[0,1]")),\(tensor("e\u{301}", "U8", "[1]", "[1,2]"))}", data: 2)),
    FileCase(
        "S15 overlap", .reject("tensor 'b' starts at 4, expected 8 (gap or overlap)"), two(("[2]", "[0,8]"), ("[1]", "[4,8]"), data: 8)),
    FileCase(
        "S16 hole", .reject("tensor 'b' starts at 8, expected 4 (gap or overlap)"), two(("[1]", "[0,4]"), ("[1]", "[8,12]"), data: 12)),
    FileCase("S17 first offset 4", .reject("tensor 'a' starts at 4, expected 0"), one("F32", "[1]", "[4,8]", data: 8)),
    FileCase("S17 empty tensor in a gap", .reject("gap or overlap"), two(("[1]", "[0,4]"), ("[0]", "[2,2]"), data: 4)),
    FileCase("S18 trailing bytes", .reject("12 bytes after the last tensor (polyglot?)"), one("F32", "[1]", "[0,4]", data: 16)),
    FileCase("S18 no tensors", .reject("1 bytes after the last tensor"), safetensors("{}", data: 1)),
    FileCase("S19 truncated", .reject("file truncated: needs 16 data bytes, has 14. Re-download"), one("F32", "[4]", "[0,16]", data: 14)),
    FileCase(
        "S20 end before begin", .reject("data_offsets of 'a' not two ascending non-negative integers"), one("U8", "[1]", "[4,0]", data: 4)),
    FileCase("S21 negative", .reject("not two ascending non-negative integers"), one("U8", "[4]", "[-4,0]", data: 4)),
    FileCase("S22 fraction", .reject("not two ascending non-negative integers"), one("U8", "[4]", "[0.0,4]", data: 4)),
    FileCase("S22 minus zero", .reject("not two ascending non-negative integers"), one("U8", "[4]", "[-0,4]", data: 4)),
    FileCase("S23 2^64", .reject("not two ascending non-negative integers"), one("U8", "[4]", "[0,\(huge)]", data: 4)),
    FileCase("S23 three", .reject("not two ascending non-negative integers"), one("U8", "[4]", "[0,4,4]", data: 4)),
    FileCase("S23 words", .reject("not two ascending non-negative integers"), one("U8", "[4]", #"["0","4"]"#, data: 4)),
    FileCase("S23 no offsets", .reject("'a': missing data_offsets"), safetensors(#"{"a":{"dtype":"U8","shape":[0]}}"#)),
    FileCase("S24 size", .reject("'a': shape × dtype = 16 bytes but range is 4"), one("F32", "[2,2]", "[0,4]", data: 4)),
    FileCase("S25 product overflows", .reject("'a': shape too large"), one("U8", "[4294967296,4294967296]", "[0,0]", data: 0)),
    FileCase("S26 bytes overflow", .reject("'a': shape too large"), one("F64", "[4611686018427387904]", "[0,0]", data: 0)),
    FileCase("S27 negative dimension", .reject("'a': negative dimension"), one("F32", "[-2]", "[0,8]", data: 8)),
    FileCase("S27 fraction", .reject("'a': shape[0] must be an integer, is 2.0"), one("F32", "[2.0]", "[0,8]", data: 8)),
    FileCase("S28 unknown dtype", .reject("'a': unknown dtype 'F33' (supported: F64, F32"), one("F33", "[1]", "[0,4]", data: 4)),
    FileCase("S28 not supported", .reject("'a': dtype 'C64' is not supported (supported:"), one("C64", "[1]", "[0,8]", data: 8)),
    FileCase("S29 no dtype", .reject("'a': missing dtype"), safetensors(#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, data: 4)),
    FileCase("S29 no shape", .reject("'a': missing shape"), safetensors(#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, data: 4)),
    FileCase("S29 no object", .reject("'a': must be an object, is a number"), safetensors(#"{"a":1}"#)),
    FileCase(
        "S30 extra field", .accept(tensors: 1),
        safetensors(#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":[{"x":null}]}}"#, data: 1)),
    FileCase("S31 metadata", .reject("__metadata__ values must be strings"), safetensors(#"{"__metadata__":{"a":1}}"#)),
    FileCase("S31 metadata list", .reject("__metadata__ must be an object of strings"), safetensors(#"{"__metadata__":[]}"#)),
    FileCase("S31 no metadata", .accept(tensors: 0), safetensors(#"{"__metadata__":null}"#)),
    FileCase(
        "S31 too much metadata", .reject("__metadata__ has more than 100000 entries"),
        safetensors(#"{"__metadata__":{"# + (0...100_000).map { "\"\($0)\":\"\"" }.joined(separator: ",") + "}}")),
    FileCase("S32 half a byte", .reject("'a': 12 bits is not a whole number of bytes"), one("F4", "[3]", "[0,2]", data: 2)),
    FileCase("S32 whole bytes", .reject("'a': dtype 'F4' is not supported"), one("F4", "[4]", "[0,2]", data: 2)),
    FileCase("S33 zero dimension", .accept(tensors: 1), one("F32", "[2,0]", "[0,0]", data: 0)),
    FileCase("S34 zero hides overflow", .reject("dimension out of range"), one("F32", "[0,18446744073709551615,4]", "[0,0]", data: 0)),
    FileCase("S34 zero hides product", .reject("'a': shape too large"), one("F32", "[0,4611686018427387904,4]", "[0,0]", data: 0)),
    FileCase(
        "S35 rank", .reject("'a': rank 1001 > 8"),
        one("F32", "[" + Array(repeating: "1", count: 1001).joined(separator: ",") + "]", "[0,4]", data: 4)),
    FileCase(
        "S36 escapes in a name", .accept(tensors: 1),
        safetensors("{\(tensor("\\u001b]0;title\\u0007\\u001b[2J", "U8", "[1]", "[0,1]"))}", data: 1)),
    FileCase(
        "S37 long name", .reject("name longer than 4096 bytes"),
        safetensors("{\(tensor(String(repeating: "n", count: 1 << 20), "U8", "[1]", "[0,1]"))}", data: 1)),
    FileCase("S38 100k tensors", .accept(tensors: 100_000), emptyTensors(100_000)),
    FileCase("S39 deep", .reject("JSON nested deeper than 128"), safetensors(#"{"a":"# + String(repeating: "[", count: 200_000))),
    FileCase("S40 odd offset", .accept(tensors: 1), one("F32", "[1]", "[0,4]", data: 4)),
    FileCase("S42 pickle", .reject("this is a Python pickle, refused: may run code"), [0x80, 2] + [UInt8](repeating: 0x7D, count: 50)),
    FileCase("S43 zip", .reject("this is a PyTorch zip"), Array("PK\u{3}\u{4}".utf8) + [0, 0, 0, 8] + [UInt8](repeating: 0x7D, count: 50)),
    FileCase("S43 zip, short length", .reject("this is a PyTorch zip"), Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 50)),
    FileCase(
        "S44 git-lfs", .reject("this is a git-lfs pointer, not weights. Run `git lfs pull`"),
        Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n".utf8)),
    FileCase("S45 HTML", .reject("this is an HTML page"), Array("<!DOCTYPE html>\n<html><body>404</body></html>".utf8)),
    FileCase("S46 GGUF", .reject("this is a GGUF file"), Array("GGUF".utf8) + littleEndian(3) + littleEndian(1)),
    FileCase("P02 HDF5", .reject("HDF5 archives are not supported"), [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0]),
    FileCase("P03 old ggml", .reject("pre-GGUF file"), Array("tjgg".utf8) + littleEndian(3) + littleEndian(1)),
    FileCase("P04 JSON", .reject("this is JSON text, not weights"), Array(#"{"weight_map": {"a": "b"}}"#.utf8)),
    FileCase("P04 text", .reject("this is text, not weights (it starts with 'Entry not found')"), Array("Entry not found".utf8)),
]

@Suite struct HostileSafetensorsTests {
    @Test(arguments: cases) func verdict(_ file: FileCase) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("model.safetensors", file.bytes())
        try judge(file.verdict, path: path) { try Checkpoint(path: path) }
        try judge(file.verdict, path: folder.path) { try Checkpoint(path: folder.path) }
    }

    @Test func canonicalPairsAreTwoTensors() throws {
        let folder = try TemporaryFolder()
        let header = "{\(tensor("\u{E9}", "U8", "[1]", "[0,1]")),\(tensor("e\u{301}", "U8", "[1]", "[1,2]"))}"
        let checkpoint = try Checkpoint(path: folder.write("x.safetensors", safetensors(Array(header.utf8), data: [7, 9])))
        #expect(try checkpoint.tensor(named: "\u{E9}").value(at: [0]) == 7)
        #expect(try checkpoint.tensor(named: "e\u{301}").value(at: [0]) == 9)
    }

    @Test func oddOffsetsReadRight() throws {
        let folder = try TemporaryFolder()
        let header = "{\(tensor("a", "U8", "[1]", "[0,1]")),\(tensor("b", "F32", "[1]", "[1,5]"))}  "
        let data: [UInt8] = [1] + littleEndian(UInt64(Float(-2.5).bitPattern)).prefix(4)
        let checkpoint = try Checkpoint(path: folder.write("x.safetensors", safetensors(Array(header.utf8), data: data)))
        #expect(try checkpoint.tensor(named: "b").floats() == [-2.5])
        #expect(try checkpoint.tensor(named: "b").offset % 4 != 0)
    }

    /// What has been read is given back piece by piece, in order, and never what is still to be read.
    @Test func longHeadersDoNotStayInMemory() throws {
        let members = (0..<120_000).map { #""value.\#($0)":{"dtype":"U8","shape":[1],"data_offsets":[\#($0),\#($0 + 1)]}"# }
        let bytes = safetensors("{" + members.joined(separator: ",") + "}", data: members.count)
        var released: [Range<Int>] = []
        let header = try bytes.withUnsafeBytes { try SafetensorsHeader(of: $0, path: "long") { released.append($0) } }
        #expect(header.entries.count == members.count && header["value.119999"]?.range == bytes.count - 1..<bytes.count)
        #expect(released.count == (bytes.count - members.count) >> 22 && released.first?.lowerBound == 0)
        #expect(zip(released, released.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(try #require(released.last).upperBound < bytes.count - members.count)
    }
}
