import StrictJSON
import Tensors

/// One tensor as a header tells of it.
package struct TensorEntry: Sendable {
    package let name: String
    package let type: ElementType
    package let dimensions: [Int]
    /// In bytes, from the start of the file.
    package let range: Range<Int>

    package var elementCount: Int { range.count / type.byteCount }
}

/// The header of a safetensors file, every rule of the format checked before a value of it is used.
///
/// A file is 8 bytes (the header's length N, little-endian), N bytes of JSON, and the tensors' bytes without gap or overlap:
/// https://github.com/huggingface/safetensors#format. Stricter here than the reference: a name may stand only once, ranks end at 8,
/// names at 4096 bytes, files at a million tensors, and a zero in a shape hides no overflow.
package struct SafetensorsHeader: Sendable {
    package static let format = "safetensors"
    package static let maximumLength = 100_000_000
    package static let maximumTensors = 1_000_000
    package static let maximumRank = 8
    package static let maximumNameLength = 4096
    package static let maximumMetadata = 100_000

    /// In the order of the header.
    package private(set) var entries: [TensorEntry] = []
    package private(set) var metadata: [(key: String, value: String)] = []
    private var positions: [UTF8Key: Int] = [:]
    private var hasMetadata = false
    /// Those that were met while reading, so that tensors of one shape have one array: of a million, arrays would take more memory than all
    /// else that is kept.
    private var shapes: Set<[Int]> = []
    private static let keptShapes = 4096
    private let path: String

    private static let keptText = 4 << 20

    /// Reads the header of `file`, the bytes of the whole file; only those of the header are touched. `release` is told of bytes that
    /// will not be read again, every few megabytes: a long header need not stay in memory beside what is made of it.
    package init(of file: UnsafeRawBufferPointer, path: String, release: (Range<Int>) -> Void = { _ in }) throws(CheckpointError) {
        self.path = path
        let text = try headerText(in: file)
        let dataStart = 8 + text.count
        var reader = try HeaderReader(text, of: file, path: path), released = 0
        // A tensor takes some 60 bytes of text. What is reserved and not written is no memory, and growing would hold all of it twice.
        entries.reserveCapacity(min(text.count / 50, SafetensorsHeader.maximumTensors))
        while let name = try reader.nextKey() {
            if name.utf8.elementsEqual("__metadata__".utf8) {
                try addMetadata(&reader)
            } else {
                try add(name, reader.fields(), dataStart: dataStart)
            }
            let read = 8 + reader.offset
            guard read - released >= SafetensorsHeader.keptText else { continue }
            release(released..<read)
            released = read
        }
        try reader.end()
        shapes = []
        try indexNames()
        try checkLayout(from: dataStart, to: file.count)
    }

    package subscript(_ name: String) -> TensorEntry? { positions[UTF8Key(name)].map { entries[$0] } }

    // MARK: the text

    private func headerText(in file: UnsafeRawBufferPointer) throws(CheckpointError) -> UnsafeRawBufferPointer {
        guard file.count >= 8 else { throw fault("file is \(file.count) bytes, too short for the 8-byte header length") }
        let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        let limit = UInt64(SafetensorsHeader.maximumLength)
        guard length <= limit else {
            let hint = length.byteSwapped <= min(limit, UInt64(file.count - 8)) ? "; it looks big-endian" : ""
            throw foreign(file) ?? fault("header length \(length) exceeds limit \(limit)\(hint)")
        }
        guard length <= UInt64(file.count - 8) else {
            throw foreign(file) ?? fault("header length \(length) exceeds file (\(file.count) bytes)")
        }
        return UnsafeRawBufferPointer(rebasing: file[8..<8 + Int(length)])
    }

    // MARK: one member

    private mutating func add(_ name: String, _ fields: HeaderFields, dataStart: Int) throws(CheckpointError) {
        guard name.utf8.count <= SafetensorsHeader.maximumNameLength else {
            throw fault(
                "tensor name longer than \(SafetensorsHeader.maximumNameLength) bytes "
                    + "(\(CheckpointError.quoted(name)) has \(name.utf8.count))")
        }
        guard entries.count < SafetensorsHeader.maximumTensors else { throw fault("more than \(SafetensorsHeader.maximumTensors) tensors") }
        if let kind = fields.otherKind { throw fault(name, "must be an object, is \(kind)") }
        entries.append(try entry(name, fields, dataStart: dataStart))
    }

    private mutating func addMetadata(_ reader: inout HeaderReader) throws(CheckpointError) {
        if hasMetadata { throw fault("__metadata__ defined twice") }
        hasMetadata = true
        guard try reader.enterObject("__metadata__") else { return }
        var keys: Set<UTF8Key> = []
        while let key = try reader.nextKey() {
            let value = try reader.scalar()
            guard let text = value.string else {
                throw fault("__metadata__ values must be strings (\(CheckpointError.quoted(key)) is \(value.kind))")
            }
            guard keys.insert(UTF8Key(key)).inserted else { throw fault("__metadata__ has \(CheckpointError.quoted(key)) twice") }
            guard keys.count <= SafetensorsHeader.maximumMetadata else {
                throw fault("__metadata__ has more than \(SafetensorsHeader.maximumMetadata) entries")
            }
            metadata.append((key, text))
        }
    }

    private mutating func entry(_ name: String, _ fields: HeaderFields, dataStart: Int) throws(CheckpointError) -> TensorEntry {
        var dimensions = try dimensions(of: name, fields.shape)
        if shapes.count < SafetensorsHeader.keptShapes { dimensions = shapes.insert(dimensions).memberAfterInsert }
        let type = try type(of: name, fields.dtype, dimensions)
        let byteCount = try count(of: name, dimensions, unit: type.byteCount)
        let (begin, end) = try offsets(of: name, fields.offsets)
        guard end - begin == byteCount else {
            throw fault(name, "shape × dtype = \(byteCount) bytes but range is \(end - begin)")
        }
        let (start, overflowsStart) = begin.addingReportingOverflow(dataStart)
        let (stop, overflowsStop) = end.addingReportingOverflow(dataStart)
        guard !overflowsStart, !overflowsStop else { throw fault(name, "data_offsets out of range (\(begin), \(end))") }
        return TensorEntry(name: name, type: type, dimensions: dimensions, range: start..<stop)
    }

    private func dimensions(of name: String, _ shape: HeaderList?) throws(CheckpointError) -> [Int] {
        guard let shape else { throw fault(name, "missing shape") }
        if let kind = shape.otherKind { throw fault(name, "shape must be an array of integers, is \(kind)") }
        guard shape.count <= SafetensorsHeader.maximumRank else {
            throw fault(name, "rank \(shape.count) > \(SafetensorsHeader.maximumRank)")
        }
        var dimensions: [Int] = []
        for (axis, value) in shape.values.enumerated() {
            guard let number = value.number else { throw fault(name, "shape[\(axis)] must be an integer, is \(value.kind)") }
            let literal = JSONError.excerpt(number.literal, limit: 40)
            guard number.isInteger else { throw fault(name, "shape[\(axis)] must be an integer, is \(literal)") }
            if number.isNegative { throw fault(name, "negative dimension (shape[\(axis)] = \(literal))") }
            guard let dimension = number.integer else {
                throw fault(name, "shape too large: dimension out of range (shape[\(axis)] = \(literal), limit \(Int.max))")
            }
            dimensions.append(dimension)
        }
        return dimensions
    }

    private func type(of name: String, _ value: JSONValue?, _ dimensions: [Int]) throws(CheckpointError) -> ElementType {
        guard let value else { throw fault(name, "missing dtype") }
        guard let text = value.string else { throw fault(name, "dtype must be a string, is \(value.kind)") }
        if let type = ElementType.inFiles.first(where: { $0.rawValue == text }) { return type }
        let supported = "(supported: \(ElementType.inFiles.map(\.rawValue).joined(separator: ", ")))"
        guard let bits = SafetensorsHeader.otherTypes[text] else {
            throw fault(name, "unknown dtype \(CheckpointError.quoted(text)) \(supported)")
        }
        let total = try count(of: name, dimensions, unit: bits)
        if total % 8 != 0 { throw fault(name, "\(total) bits is not a whole number of bytes (dtype \(text))") }
        throw fault(name, "dtype '\(text)' is not supported \(supported)", next: "Convert the file to one of these.")
    }

    /// Of the format, but nothing here computes with them; with their bits an element.
    private static let otherTypes = [
        "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "C64": 64,
    ]

    /// The product of the dimensions and `unit`. A zero among them does not excuse an overflow of the others.
    private func count(of name: String, _ dimensions: [Int], unit: Int) throws(CheckpointError) -> Int {
        var product = unit
        for dimension in dimensions where dimension > 0 {
            let (next, overflows) = product.multipliedReportingOverflow(by: dimension)
            if overflows { throw fault(name, "shape too large (shape = \(dimensions))") }
            product = next
        }
        return dimensions.contains(0) ? 0 : product
    }

    private func offsets(of name: String, _ list: HeaderList?) throws(CheckpointError) -> (Int, Int) {
        guard let list else { throw fault(name, "missing data_offsets") }
        let numbers = list.values.compactMap(\.number)
        guard list.count == 2, numbers.count == 2, !numbers.contains(where: \.isNegative),
            let begin = numbers[0].integer, let end = numbers[1].integer, begin <= end
        else {
            let given = numbers.prefix(4).map { JSONError.excerpt($0.literal, limit: 40) }.joined(separator: ", ")
            throw fault(
                "data_offsets of \(CheckpointError.quoted(name)) not two ascending non-negative integers (data_offsets = [\(given)])")
        }
        return (begin, end)
    }

    // MARK: all members

    private mutating func indexNames() throws(CheckpointError) {
        positions.reserveCapacity(entries.count)
        for (position, entry) in entries.enumerated() where positions.updateValue(position, forKey: UTF8Key(entry.name)) != nil {
            throw fault("tensor \(CheckpointError.quoted(entry.name)) defined twice")
        }
    }

    /// The tensors must fill the rest of the file, one beginning where another ends.
    private func checkLayout(from start: Int, to end: Int) throws(CheckpointError) {
        var expected = start
        let order = otherOrder()
        for place in entries.indices {
            let position = order?[place] ?? place
            let range = entries[position].range
            guard range.lowerBound == expected else {
                throw fault(
                    "tensor \(CheckpointError.quoted(entries[position].name)) starts at \(range.lowerBound - start), "
                        + "expected \(expected - start) (gap or overlap)")
            }
            expected = range.upperBound
        }
        guard expected <= end else {
            throw fault("file truncated: needs \(expected - start) data bytes, has \(end - start)", next: "Re-download it.")
        }
        if expected < end { throw fault("\(end - expected) bytes after the last tensor (polyglot?)") }
    }

    /// Positions by begin, empty ones first; nil where that is the header's own order, as it nearly always is: a million tensors then need
    /// no table. Ranges are sorted and not entries, which is much faster for as many.
    private func otherOrder() -> [Int]? {
        func precedes(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
            a.lowerBound != b.lowerBound ? a.lowerBound < b.lowerBound : a.upperBound < b.upperBound
        }
        if zip(entries, entries.dropFirst()).allSatisfy({ !precedes($1.range, $0.range) }) { return nil }
        let ranges = entries.enumerated().map { (position: $0.offset, range: $0.element.range) }
        return ranges.sorted { precedes($0.range, $1.range) }.map(\.position)
    }

    private func fault(_ rule: String, next: String? = nil) -> CheckpointError {
        let damaged = "The file is damaged: download or export it again."
        return CheckpointError(path, SafetensorsHeader.format, rule, next: next ?? damaged)
    }

    private func fault(_ name: String, _ rule: String, next: String? = nil) -> CheckpointError {
        fault("\(CheckpointError.quoted(name)): \(rule)", next: next)
    }

    private func foreign(_ file: UnsafeRawBufferPointer) -> CheckpointError? {
        ForeignFormat.of(path: path, bytes: file).map { fault($0.rule, next: $0.nextStep) }
    }
}
