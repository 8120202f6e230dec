import Tensors

/// A file of named tensors that stay in it until they are used.
package protocol WeightFile: Sendable {
    /// The format's name, for messages.
    static var format: String { get }
    /// Whether a file is of this format, from its name and first bytes.
    static func claims(name: String, bytes: UnsafeRawBufferPointer) -> Bool

    init(_ file: MappedFile, shownAs path: String) throws(CheckpointError)

    /// As the user knows the file; the mapping may be of what a link led to.
    var path: String { get }
    var file: MappedFile { get }
    /// In the order of the file's own table.
    var entries: [TensorEntry] { get }
    var metadata: [(key: String, value: String)] { get }

    subscript(_ name: String) -> TensorEntry? { get }
}

extension WeightFile {
    /// The tensor where it lies, in its own format; only its address is computed.
    package func tensor(_ entry: TensorEntry) -> Tensor {
        let axes = entry.dimensions.enumerated().map { axis, count in
            Axis(entry.dimensions.count == 1 ? .feature : axis == 0 ? .output : axis == entry.dimensions.count - 1 ? .input : .item, count)
        }
        return Tensor(shape: Shape(axes), type: entry.type, storage: .file(file), offset: entry.range.lowerBound)
    }

    /// Throws if the file was replaced, truncated or written since it was opened.
    package func verifyUnchanged() throws(CheckpointError) {
        do { try file.verifyUnchanged() } catch { throw CheckpointError(path, Self.format, error) }
    }
}

/// A safetensors file, mapped. Its header has been checked; its data has not been touched.
package struct SafetensorsFile: WeightFile {
    package static let format = SafetensorsHeader.format

    package let path: String
    package let file: MappedFile
    private let header: SafetensorsHeader

    package init(_ file: MappedFile, shownAs path: String) throws(CheckpointError) {
        self.path = path
        self.file = file
        header = try SafetensorsHeader(of: file.bytes, path: path, release: file.releasePages)
    }

    package init(path: String) throws(CheckpointError) {
        try self.init(InputFile.map(path, shownAs: path, as: Self.format), shownAs: path)
    }

    package var entries: [TensorEntry] { header.entries }
    package var metadata: [(key: String, value: String)] { header.metadata }
    package subscript(_ name: String) -> TensorEntry? { header[name] }

    /// The format has no magic number: a plausible length followed by the brace of a JSON object is the best sign there is.
    package static func claims(name: String, bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 8 else { return false }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        return length <= UInt64(bytes.count - 8) && bytes[8] == UInt8(ascii: "{")
    }
}
