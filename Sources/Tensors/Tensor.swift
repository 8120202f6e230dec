import CKernels

/// An immutable array with named axes over shared storage: a file's mapping, in the format it has there, memory of ours, or codes.
/// The last axis is contiguous, the others may be strided, so a view per head costs nothing.
package struct Tensor: Sendable {
    package enum Storage: Sendable {
        case file(MappedFile)
        case memory(Buffer)
        case codes(NF4Codes)
    }

    package let shape: Shape
    package let type: ElementType
    package let storage: Storage
    /// In bytes, from the start of the storage; of codes, in elements.
    package let offset: Int
    /// Where they do not follow from the shape; nil: contiguous. A value of decoding is small beside an array of its own.
    private let ownStrides: [Int]?

    package init(shape: Shape, type: ElementType, storage: Storage, offset: Int, strides: [Int]? = nil) {
        self.shape = shape
        self.type = type
        self.storage = storage
        self.offset = offset
        ownStrides = strides.flatMap { Tensor.areContiguous($0, shape) ? nil : $0 }
    }

    private static func areContiguous(_ strides: [Int], _ shape: Shape) -> Bool {
        guard strides.count == shape.rank else { return false }
        var expected = 1
        for axis in strides.indices.reversed() {
            if strides[axis] != expected { return false }
            expected *= shape[axis]
        }
        return true
    }

    /// In elements, one an axis; the last is 1.
    package var strides: [Int] { ownStrides ?? Tensor.contiguousStrides(shape) }

    /// From one element to the next along an axis, in elements.
    package func stride(_ axis: Int) -> Int {
        if let ownStrides { return ownStrides[axis] }
        return shape.axes[(axis + 1)...].reduce(1) { $0 * $1.count }
    }

    /// A new fp32 value; `fill` writes all of it.
    package init(_ shape: Shape, fill: (UnsafeMutableBufferPointer<Float>) throws -> Void) throws {
        let buffer = try Buffer(byteCount: shape.elementCount * MemoryLayout<Float>.stride)
        try fill(buffer.writable.bindMemory(to: Float.self))
        self.init(shape: shape, type: .f32, storage: .memory(buffer), offset: 0)
    }

    package init(_ shape: Shape, _ values: [Float]) throws {
        try self.init(shape) { out in
            for (i, value) in values.enumerated() where i < out.count { out[i] = value }
        }
    }

    /// The same in fp64.
    package init(_ shape: Shape, doubles: [Double]) throws {
        let buffer = try Buffer(byteCount: shape.elementCount * MemoryLayout<Double>.stride)
        doubles.withUnsafeBytes { buffer.writable.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(buffer.byteCount))) }
        self.init(shape: shape, type: .f64, storage: .memory(buffer), offset: 0)
    }

    /// Token ids or positions.
    package init(ids: [Int32], axis: Axis.Name = .token) throws {
        let buffer = try Buffer(byteCount: ids.count * 4)
        ids.withUnsafeBytes { buffer.writable.copyMemory(from: $0) }
        self.init(shape: Shape((axis, ids.count)), type: .i32, storage: .memory(buffer), offset: 0)
    }

    package static func contiguousStrides(_ shape: Shape) -> [Int] {
        var strides = Array(repeating: 1, count: shape.rank)
        for axis in Swift.stride(from: shape.rank - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * shape[axis + 1] }
        return strides
    }

    package var isContiguous: Bool { ownStrides == nil }
    package var elementCount: Int { shape.elementCount }
    /// What the value takes in memory if it is not a view.
    package var byteCount: Int {
        guard case .codes(let codes) = storage else { return elementCount * type.byteCount }
        return codes.count > 0 ? codes.byteCount * elementCount / codes.count : 0
    }

    /// The bytes from the first element on. Codes have none: what reads elements asks for `contiguous()`.
    package var bytes: UnsafeRawBufferPointer {
        let all =
            switch storage {
            case .file(let file): file.bytes
            case .memory(let buffer): buffer.bytes
            case .codes: UnsafeRawBufferPointer(start: nil, count: 0)
            }
        return UnsafeRawBufferPointer(rebasing: all[min(offset, all.count)...])
    }

    /// Of a tensor that lies in a file: what was read of it no longer counts as this process's memory. Nothing changes but the time that the
    /// next reading takes.
    package func releasePages() {
        if case .file(let file) = storage { file.releasePages(offset..<offset + byteCount) }
    }

    /// Of a tensor that lies in a file: all of it will be read now.
    package func mapPages() {
        if case .file(let file) = storage { file.mapPages(offset..<offset + byteCount) }
    }

    /// The same elements under other axes. The strides of a contiguous tensor follow from its shape.
    package func view(_ shape: Shape, strides: [Int]? = nil, offset elements: Int = 0) -> Tensor {
        Tensor(shape: shape, type: type, storage: storage, offset: offset + elements * type.byteCount, strides: strides)
    }

    /// The part at `index` of the first axis.
    package subscript(_ index: Int) -> Tensor {
        view(Shape(Array(shape.axes.dropFirst())), strides: Array(strides.dropFirst()), offset: index * (strides.first ?? 1))
    }

    /// The element's place from the first one, in elements.
    package func place(of index: [Int]) -> Int? {
        guard shape.position(of: index) != nil else { return nil }
        return zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// One element, exactly as a double (integers beyond 2^53 are rounded).
    package func value(at index: [Int]) -> Double? { place(of: index).map(value(place:)) }

    /// The element that lies so many elements from the first one.
    package func value(place: Int) -> Double {
        guard type == .nf4 else { return Scalars.read(bytes, type, at: place) }
        var element: Float = 0
        copy(1, from: place, to: &element)
        return Double(element)
    }

    /// All elements as fp32 in row-major order.
    package func floats() -> [Float] {
        Array(unsafeUninitializedCapacity: elementCount) { out, count in
            count = elementCount
            copyRows(to: out)
        }
    }

    /// All elements as doubles in row-major order; what a reference kernel in fp64 starts from.
    package func doubles() -> [Double] {
        if type.isFloat && type != .f64 { return Tensor.widened(floats()) }
        if type == .f64 && isContiguous { return Array(bytes.prefix(elementCount * 8).bindMemory(to: Double.self)) }
        return (0..<elementCount).map { value(place: isContiguous ? $0 : place(of: shape.index(at: $0)) ?? 0) }
    }

    private static func widened(_ x: [Float]) -> [Double] {
        Array(unsafeUninitializedCapacity: x.count) { out, count in
            if let start = out.baseAddress { ck_widen(x, start, Int64(x.count)) }
            count = x.count
        }
    }

    /// A contiguous fp32 tensor with the same elements: itself, if it is one.
    package func contiguous(threads: Int = 1) throws -> Tensor {
        if type == .f32 && isContiguous { return self }
        return try Tensor(shape) { copyRows(to: $0, threads: threads) }
    }

    private func copyRows(to out: UnsafeMutableBufferPointer<Float>, threads: Int = 1) {
        guard let target = out.baseAddress, elementCount > 0 else { return }
        if isContiguous { return copy(elementCount, from: 0, to: target) }
        if type == .f32 && shape.rank == 3 { return copyHeads(to: target, threads: threads) }
        var next = target
        copyRows(axis: 0, from: 0, to: &next)
    }

    /// Of [head, token, feature], as nearly all strided values are.
    private func copyHeads(to target: UnsafeMutablePointer<Float>, threads: Int) {
        let (heads, tokens, features) = (Int64(shape[0]), Int64(shape[1]), Int64(shape[2]))
        let source = ck_heads(
            base: bytes.bindMemory(to: Float.self).baseAddress, head_stride: Int64(stride(0)), token_stride: Int64(stride(1)))
        ck_join_heads(source, target, tokens * features, features, heads, tokens, features, Int32(threads))
    }

    /// Goes down the axes without making an index: rows may be short and many.
    private func copyRows(axis: Int, from place: Int, to target: inout UnsafeMutablePointer<Float>) {
        if axis == shape.rank - 1 {
            copy(shape[axis], from: place, to: target)
            target += shape[axis]
            return
        }
        for i in 0..<shape[axis] { copyRows(axis: axis + 1, from: place + i * strides[axis], to: &target) }
    }

    /// Elements that lie side by side, `place` elements from the first one.
    private func copy(_ count: Int, from place: Int, to target: UnsafeMutablePointer<Float>) {
        view(Shape((.item, count)), offset: place).withKernelElements { source, type in
            if let source { ck_upcast(source, type, target, Int64(count), 1) }
        }
    }
}
