import StrictJSON

/// What a file is when it is not what it was opened as, told from its first bytes and, failing that, from its suffix.
struct ForeignFormat {
    let rule: String
    let nextStep: String

    static let pickleRefusal = "PyTorch pickle files can run code when opened; this program never opens them"
    static let useSafetensors = """
        Use the .safetensors version of the model, or convert to safetensors where you trust the file: \
        python3 -c "import torch, safetensors.torch as s; s.save_file(torch.load('FILE', weights_only=True), 'model.safetensors')"
        """

    /// By content if that is telling, otherwise by suffix.
    static func of(path: String, bytes: UnsafeRawBufferPointer) -> ForeignFormat? {
        let found = of(bytes)
        if let found, found.rule == gguf.rule, !path.lowercased().hasSuffix(".gguf") {
            return ForeignFormat(
                rule: "this is a GGUF file under another name, and GGUF is not supported yet",
                nextStep: "Rename it to .gguf. \(found.nextStep)")
        }
        return found ?? of(suffixOf: path)
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> ForeignFormat? { insteadOfJSON(bytes) ?? text(bytes) }

    /// Without the texts, of which JSON is one.
    static func insteadOfJSON(_ bytes: UnsafeRawBufferPointer) -> ForeignFormat? {
        if let found = magics.first(where: { bytes.starts(with: $0.magic) }) { return found.format }
        if isPickle(bytes) { return pickle }
        if isTar(bytes) { return archive("tar") }
        guard let start = startOfText(bytes) else { return nil }
        let opening = String(decoding: start.prefix(9), as: UTF8.self).lowercased()
        return ["<!doctype", "<html", "<head", "<?xml"].contains { opening.hasPrefix($0) } ? page : nil
    }

    /// For files whose bytes tell nothing.
    static func of(suffixOf path: String) -> ForeignFormat? {
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(Substring($0)) } ?? path
        guard let suffix = name.split(separator: ".").dropFirst().last?.lowercased() else { return nil }
        switch suffix {
        case "bin", "pt", "pth", "ckpt", "pkl", "pickle": return pickleFile
        case "npz", "zip", "tar", "h5", "hdf5", "onnx", "pt2", "keras", "gz", "7z", "npy", "msgpack": return archive(".\(suffix)")
        case "gguf": return gguf
        default: return nil
        }
    }

    private static let pickle = ForeignFormat(
        rule: "this is a Python pickle, refused: may run code", nextStep: "\(pickleRefusal). \(useSafetensors)")
    private static let zip = ForeignFormat(
        rule: "this is a PyTorch zip (or another archive), refused: may run code; archives are not supported",
        nextStep: "\(pickleRefusal). \(useSafetensors)")
    private static let pickleFile = ForeignFormat(rule: pickleRefusal, nextStep: useSafetensors)
    private static let gguf = ForeignFormat(
        rule: "this is a GGUF file, and GGUF is not supported yet", nextStep: "Use the .safetensors version of the model.")
    private static let oldGGML = ForeignFormat(
        rule: "this is a pre-GGUF file (old ggml magic)",
        nextStep: "Convert it with llama.cpp, or use the .safetensors version of the model.")
    private static let lfsPointer = ForeignFormat(
        rule: "this is a git-lfs pointer, not weights", nextStep: "Run `git lfs pull` in the model's folder.")
    private static let page = ForeignFormat(
        rule: "this is an HTML page, not the file itself",
        nextStep: "Download it again: the address gave a page (log in, or use its download link).")

    private static func archive(_ kind: String) -> ForeignFormat {
        ForeignFormat(
            rule: "\(kind) archives are not supported", nextStep: "Use the .safetensors version of the model; unpack archives yourself.")
    }

    private static let magics: [(magic: [UInt8], format: ForeignFormat)] = [
        (Array("PK\u{3}\u{4}".utf8), zip), (Array("PK\u{5}\u{6}".utf8), zip),
        (Array("GGUF".utf8), gguf), (Array("FUGG".utf8), gguf),
        (Array("lmgg".utf8), oldGGML), (Array("fmgg".utf8), oldGGML), (Array("tjgg".utf8), oldGGML), (Array("algg".utf8), oldGGML),
        (Array("ggml".utf8), oldGGML), (Array("ggmf".utf8), oldGGML), (Array("ggjt".utf8), oldGGML),
        (Array("version https://git-lfs".utf8), lfsPointer),
        ([0x1F, 0x8B], archive("gzip")), (Array("7z\u{BC}\u{AF}".unicodeScalars.map { UInt8($0.value) }), archive("7z")),
        (Array("BZh".utf8), archive("bzip2")), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], archive("xz")),
        ([0x28, 0xB5, 0x2F, 0xFD], archive("zstd")), ([0x89, 0x48, 0x44, 0x46], archive("HDF5")),
        ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59], archive("NumPy")),
    ]

    /// Protocols 2 to 5 begin with byte 0x80 and their number; older ones are text.
    private static func isPickle(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 2 && bytes[0] == 0x80 && (2...5).contains(bytes[1])
    }

    private static func isTar(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 262 && UnsafeRawBufferPointer(rebasing: bytes[257..<262]).elementsEqual("ustar".utf8)
    }

    /// A message that was saved in place of the file, or a file in place of another.
    private static func text(_ bytes: UnsafeRawBufferPointer) -> ForeignFormat? {
        guard let start = startOfText(bytes), let first = start.first else { return nil }
        if first == UInt8(ascii: "{") {
            return ForeignFormat(rule: "this is JSON text, not weights", nextStep: "Give the .safetensors file.")
        }
        let line = String(decoding: start.prefix(32).prefix { $0 >= 0x20 }, as: UTF8.self)
        return ForeignFormat(rule: "this is text, not weights (it starts with '\(line)')", nextStep: "Download the file again.")
    }

    /// The first bytes after leading space if they are plain ASCII text.
    private static func startOfText(_ bytes: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer>? {
        let head = bytes.prefix(64)
        guard head.allSatisfy({ (0x20..<0x7F).contains($0) || JSONError.isSpace($0) }) else { return nil }
        return head.drop { JSONError.isSpace($0) }
    }
}
