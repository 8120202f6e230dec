/// Growing values: the memory behind a cache's last row is claimed by the first who appends there, so a token costs one row and not a
/// copy; who comes second (a run stepped back and forward, or a fork) copies. What a tensor shows is never written again.
package enum CacheStorage {
    /// past [head, P, D], new [head, T, D] → [head, P + T, D], strided by the room that is left.
    package static func append(_ past: Tensor, _ new: Tensor, shape: Shape) throws -> Tensor {
        let (heads, rows, width) = (shape[0], shape[1], shape[2])
        let old = past.shape[1]
        let room = width > 0 ? past.stride(0) / max(width, 1) : 0
        if old > 0, rows <= room, past.type == .f32, past.offset == 0, case .memory(let buffer) = past.storage,
            past.stride(1) == width, buffer.byteCount >= heads * room * width * 4, buffer.claim(from: old, to: rows)
        {
            write(new, into: buffer, row: old, room: room)
            return Tensor(shape: shape, type: .f32, storage: past.storage, offset: 0, strides: [room * width, width, 1])
        }
        return try copy(past, new, shape: shape)
    }

    private static func copy(_ past: Tensor, _ new: Tensor, shape: Shape) throws -> Tensor {
        let (heads, rows, width) = (shape[0], shape[1], shape[2])
        let room = rows + max(64, rows / 2)
        let buffer = try Buffer(byteCount: heads * room * width * 4)
        write(past, into: buffer, row: 0, room: room)
        write(new, into: buffer, row: past.shape[1], room: room)
        _ = buffer.claim(from: 0, to: rows)
        return Tensor(shape: shape, type: .f32, storage: .memory(buffer), offset: 0, strides: [room * width, width, 1])
    }

    private static func write(_ rows: Tensor, into buffer: Buffer, row: Int, room: Int) {
        let (heads, count, width) = (rows.shape[0], rows.shape[1], rows.shape[2])
        let out = buffer.writable
        for head in 0..<heads {
            for token in 0..<count {
                let source = (head * rows.stride(0) + token * rows.stride(1)) * 4
                let target = ((head * room + row + token) * width) * 4
                UnsafeMutableRawBufferPointer(rebasing: out[target..<target + width * 4])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: rows.bytes[source..<source + width * 4]))
            }
        }
    }
}
