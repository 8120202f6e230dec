import Foundation
import StrictJSON
import Tensors

/// A tensor that is to be written.
package struct TensorPlan: Sendable {
    package let name: String
    package let type: ElementType
    package let dimensions: [Int]

    package init(_ name: String, _ type: ElementType, _ dimensions: [Int]) {
        self.name = name
        self.type = type
        self.dimensions = dimensions
    }
}

/// Writes a safetensors file tensor by tensor, in any order, holding none of them:
///
///     var writer = try SafetensorsWriter(path: path, tensors: plans)
///     for … { try writer.write(name, tensor) }
///     try writer.finish()
///
/// The file appears under its name only when it is complete (see `NewFile`).
package struct SafetensorsWriter: ~Copyable {
    private let path: String
    private var file: NewFile
    private let layout: SafetensorsLayout
    private var unwritten: Set<UTF8Key>

    package init(path: String, tensors: [TensorPlan], metadata: [(key: String, value: String)] = []) throws(CheckpointError) {
        let layout = try SafetensorsLayout(of: tensors, metadata: metadata, path: path)
        let file = try NewFile(path: path, format: SafetensorsHeader.format, byteCount: layout.byteCount)
        try file.write(layout.header, at: 0)
        self.path = path
        self.layout = layout
        unwritten = Set(layout.entries.keys)
        self.file = file
    }

    /// Writes the bytes of a planned tensor, row-major and little-endian.
    package mutating func write(_ name: String, bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        let quoted = CheckpointError.quoted(name)
        guard let entry = layout.entries[UTF8Key(name)] else { throw fault("tensor \(quoted) was not planned") }
        guard unwritten.contains(UTF8Key(name)) else { throw fault("tensor \(quoted) was written twice") }
        guard bytes.count == entry.range.count else {
            throw fault("tensor \(quoted) has \(bytes.count) bytes, planned were \(entry.range.count)")
        }
        try file.write(bytes, at: entry.range.lowerBound)
        unwritten.remove(UTF8Key(name))
    }

    /// Writes a planned tensor; where fp32 was planned, the values are converted to it.
    package mutating func write(_ name: String, _ tensor: Tensor) throws(CheckpointError) {
        let planned = layout.entries[UTF8Key(name)]?.type
        if tensor.isContiguous && planned == tensor.type {
            let bytes = tensor.bytes
            guard bytes.count >= tensor.byteCount else { throw fault("tensor \(CheckpointError.quoted(name)) is shorter than its shape") }
            return try write(name, bytes: UnsafeRawBufferPointer(rebasing: bytes[..<tensor.byteCount]))
        }
        if let planned, planned != .f32 {
            throw fault("tensor \(CheckpointError.quoted(name)) is \(tensor.type.rawValue), planned was \(planned.rawValue)")
        }
        let values = tensor.floats()
        try values.withUnsafeBytes { bytes in Result { () throws(CheckpointError) in try write(name, bytes: bytes) } }.get()
    }

    /// Gives the complete file its name. Without it nothing is left behind.
    package consuming func finish() throws(CheckpointError) {
        if let missing = unwritten.map(\.text).sorted().first {
            throw fault("\(unwritten.count) planned tensors were not written, first \(CheckpointError.quoted(missing))")
        }
        try file.finish()
    }

    private func fault(_ rule: String) -> CheckpointError {
        CheckpointError(path, SafetensorsHeader.format, rule, next: "Nothing was written.", failure: "cannot write")
    }
}

/// Where each tensor goes. Wide elements first, as the reference writer does: then all are aligned.
struct SafetensorsLayout {
    let header: [UInt8]
    let byteCount: Int
    private(set) var entries: [UTF8Key: TensorEntry] = [:]

    init(of tensors: [TensorPlan], metadata: [(key: String, value: String)], path: String) throws(CheckpointError) {
        let widths = [8, 4, 2, 1]
        let ordered = widths.flatMap { width in tensors.filter { $0.type.byteCount == width } }
        let (members, dataCount) = try SafetensorsLayout.members(ordered, path: path)
        var text = "{"
        if !metadata.isEmpty {
            text += #""__metadata__":{"#
            text += metadata.map { "\(SafetensorsLayout.quoted($0.key)):\(SafetensorsLayout.quoted($0.value))" }.joined(separator: ",")
            text += members.isEmpty ? "}" : "},"
        }
        text += members.map(\.text).joined(separator: ",") + "}"
        text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
        if text.utf8.count > SafetensorsHeader.maximumLength {
            throw SafetensorsLayout.fault(path, "header of \(text.utf8.count) bytes exceeds limit \(SafetensorsHeader.maximumLength)")
        }
        header = withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8)
        byteCount = header.count + dataCount
        for (plan, member) in zip(ordered, members) {
            let range = header.count + member.range.lowerBound..<header.count + member.range.upperBound
            let entry = TensorEntry(name: plan.name, type: plan.type, dimensions: plan.dimensions, range: range)
            if entries.updateValue(entry, forKey: UTF8Key(plan.name)) != nil {
                throw SafetensorsLayout.fault(path, "tensor \(CheckpointError.quoted(plan.name)) planned twice")
            }
        }
    }

    private static func members(
        _ tensors: [TensorPlan], path: String
    ) throws(CheckpointError) -> (members: [(text: String, range: Range<Int>)], byteCount: Int) {
        var members: [(text: String, range: Range<Int>)] = []
        var end = 0
        for tensor in tensors {
            let begin = end
            end += try byteCount(of: tensor, after: begin, path: path)
            let shape = tensor.dimensions.map(String.init).joined(separator: ",")
            let fields = #"{"dtype":"\#(tensor.type.rawValue)","shape":[\#(shape)],"data_offsets":[\#(begin),\#(end)]}"#
            members.append(("\(quoted(tensor.name)):\(fields)", begin..<end))
        }
        return (members, end)
    }

    /// What our own reader would refuse is not written.
    private static func byteCount(of tensor: TensorPlan, after begin: Int, path: String) throws(CheckpointError) -> Int {
        let name = CheckpointError.quoted(tensor.name)
        if tensor.name == "__metadata__" || tensor.name.utf8.count > SafetensorsHeader.maximumNameLength {
            throw fault(path, "\(name) cannot be a tensor's name")
        }
        if tensor.dimensions.count > SafetensorsHeader.maximumRank { throw fault(path, "\(name): rank \(tensor.dimensions.count) > 8") }
        var count = tensor.type.byteCount
        for dimension in tensor.dimensions {
            let (product, overflows) = count.multipliedReportingOverflow(by: dimension)
            if overflows || dimension < 0 { throw fault(path, "\(name): shape out of range (\(tensor.dimensions))") }
            count = product
        }
        if begin.addingReportingOverflow(count).partialValue > Int.max / 2 || begin.addingReportingOverflow(count).overflow {
            throw fault(path, "\(name): the file would be too large")
        }
        return count
    }

    /// A JSON string: only what must be escaped is.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\u{0}"..<"\u{20}": result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func fault(_ path: String, _ rule: String) -> CheckpointError {
        CheckpointError(path, SafetensorsHeader.format, rule, next: "Nothing was written.", failure: "cannot write")
    }
}
