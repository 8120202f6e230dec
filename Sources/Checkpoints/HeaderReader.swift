import StrictJSON

/// What a header says of one tensor, before it is checked. Fields that the format does not know are passed over.
struct HeaderFields {
    var dtype: JSONValue?
    var shape: HeaderList?
    var offsets: HeaderList?
    /// What stands there if it is no object.
    var otherKind: String?
}

/// A list of numbers; only the first few are kept, since no valid list is longer.
struct HeaderList {
    static let kept = 9
    static let readAtMost = 100_000

    var values: [JSONValue] = []
    var count = 0
    /// What stands there if it is no array.
    var otherKind: String?
}

/// Walks through the JSON of a header and turns its errors into those of the file. Little is kept of a text that asks for much.
struct HeaderReader {
    private var json: JSONReader
    private let path: String

    /// Enters the header's object. If there is none, the error says what the file is instead, where its bytes tell.
    init(_ text: UnsafeRawBufferPointer, of file: UnsafeRawBufferPointer, path: String) throws(CheckpointError) {
        self.path = path
        if text.allSatisfy({ JSONError.isSpace($0) }) { throw HeaderReader.fault(path, "header is empty (header length = \(text.count))") }
        do throws(JSONError) {
            json = try JSONReader(text)
            if !json.isAtObject { throw json.fault("is something else") }
            try json.open()
        } catch {
            let foreign = ForeignFormat.of(path: path, bytes: file)
            throw HeaderReader.fault(path, "header must be a JSON object: it \(error.rule) at byte \(8 + error.offset)", foreign)
        }
    }

    /// Bytes of the header's text that have been read.
    var offset: Int { json.offset }

    mutating func nextKey() throws(CheckpointError) -> String? { do { return try json.nextKey() } catch { throw fault(error) } }
    mutating func scalar() throws(CheckpointError) -> JSONValue { do { return try json.scalar() } catch { throw fault(error) } }
    mutating func end() throws(CheckpointError) { do { try json.end() } catch { throw fault(error) } }

    /// False if there is null instead of an object.
    mutating func enterObject(_ name: String) throws(CheckpointError) -> Bool {
        do {
            if json.isAtObject {
                try json.open()
                return true
            }
        } catch { throw fault(error) }
        let value = try scalar()
        if value.isNull { return false }
        throw HeaderReader.fault(path, "\(name) must be an object of strings, is \(value.kind)")
    }

    mutating func fields() throws(CheckpointError) -> HeaderFields {
        do { return try readFields() } catch { throw fault(error) }
    }

    private mutating func readFields() throws(JSONError) -> HeaderFields {
        guard json.isAtObject else { return HeaderFields(otherKind: try json.scalar().kind) }
        var fields = HeaderFields()
        try json.open()
        while let key = try json.nextKey() {
            switch key {
            case "dtype" where fields.dtype == nil: fields.dtype = try json.scalar()
            case "shape" where fields.shape == nil: fields.shape = try readList()
            case "data_offsets" where fields.offsets == nil: fields.offsets = try readList()
            case "dtype", "shape", "data_offsets": throw json.fault("has the key '\(key)' twice")
            default: _ = try json.scalar()
            }
        }
        return fields
    }

    private mutating func readList() throws(JSONError) -> HeaderList {
        guard json.isAtArray else { return HeaderList(otherKind: try json.scalar().kind) }
        var list = HeaderList()
        try json.open()
        while try json.nextElement() {
            let value = try json.scalar()
            if list.count < HeaderList.kept { list.values.append(value) }
            list.count += 1
            if list.count > HeaderList.readAtMost { throw json.fault("has a list of more than \(HeaderList.readAtMost) numbers") }
        }
        return list
    }

    private func fault(_ error: JSONError) -> CheckpointError {
        let place = "at byte \(8 + error.offset)"
        if error.rule.hasPrefix("has text after") { return HeaderReader.fault(path, "text after header object \(place)") }
        if error.rule.hasPrefix("is nested") { return HeaderReader.fault(path, "header: JSON \(error.rule.dropFirst(3)) \(place)") }
        let subject = error.rule.hasPrefix("is not valid UTF-8") ? "header" : "header JSON"
        return HeaderReader.fault(path, "\(subject) \(error.rule) \(place)")
    }

    private static func fault(_ path: String, _ rule: String, _ foreign: ForeignFormat? = nil) -> CheckpointError {
        let next = "The file is damaged: download or export it again."
        return CheckpointError(path, SafetensorsHeader.format, foreign?.rule ?? rule, next: foreign?.nextStep ?? next)
    }
}
