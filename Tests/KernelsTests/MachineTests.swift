import CKernels
import Foundation
import Synchronization
import Testing

extension Kernels {
    @Test("every format of 8 and 16 bits is upcast exactly")
    func formats() {
        let all = (0..<65_536).map { UInt16($0) }, bytes = (0..<256).map { UInt8($0) }
        let wide: [(ck_type, (UInt16) -> Float)] = [
            (CK_F16, { Float(Float16(bitPattern: $0)) }), (CK_BF16, { Float(bitPattern: UInt32($0) << 16) }), (CK_U16, { Float($0) }),
            (CK_I16, { Float(Int16(bitPattern: $0)) }),
        ]
        let narrow: [(ck_type, (UInt8) -> Float)] = [
            (CK_F8_E4M3, e4m3), (CK_F8_E5M2, { Float(Float16(bitPattern: UInt16($0) << 8)) }), (CK_U8, { Float($0) }),
            (CK_I8, { Float(Int8(bitPattern: $0)) }), (CK_BOOL, { $0 == 0 ? 0 : 1 }),
        ]
        onEachInstructionSet { name in
            var y = [Float](repeating: 7, count: 65_536)
            for (type, truth) in wide {
                ck_upcast(all, type, &y, 65_536, 2)
                #expect(same(y, all.map(truth)), "\(name), type \(type.rawValue)")
            }
            for (type, truth) in narrow {
                ck_upcast(bytes, type, &y, 256, 2)
                #expect(same(Array(y[..<256]), bytes.map(truth)), "\(name), type \(type.rawValue)")
            }
        }
    }

    @Test("rows of a table are gathered and upcast; elementwise kernels are plain arithmetic")
    func elementwise() {
        var random = Generator(8)
        let table = Elements(CK_BF16, random.values(6 * 35)), ids: [Int32] = [5, 0, 5], a = random.values(70_001), b = random.values(70_001)
        onEachInstructionSet { name in
            var y = [Float](repeating: 7, count: 3 * 33)
            table.withPointer { ck_gather($0, CK_BF16, 35, ids, &y, 3, 33, 2) }
            #expect(same(y, ids.flatMap { id in (0..<33).map { table.values[Int(id) * 35 + $0] } }), "\(name)")
            var z = [Float](repeating: 7, count: a.count)
            ck_add(a, b, nil, &z, Int64(a.count), 3)
            #expect(same(z, zip(a, b).map(+)))
            ck_multiply(a, b, nil, &z, Int64(a.count), 3)
            #expect(same(z, zip(a, b).map(*)))
            ck_scale(a, 0.3, nil, &z, Int64(a.count), 3)
            #expect(same(z, a.map { $0 * 0.3 }))
        }
    }

    @Test("kernels called from several threads at once do not disturb each other")
    func concurrentCallers() {
        var random = Generator(12)
        let x = random.values(20 * 300), w = random.values(200 * 300)
        var alone = [Float](repeating: 0, count: 20 * 200)
        ck_matmul(x, 300, w, CK_F32, 0, 300, nil, CK_F32, &alone, 200, 20, 200, 300, 1)
        let expected = alone, wrong = Counter()
        DispatchQueue.concurrentPerform(iterations: 60) { i in
            var y = [Float](repeating: 0, count: 20 * 200)
            ck_matmul(x, 300, w, CK_F32, 0, 300, nil, CK_F32, &y, 200, 20, 200, 300, Int32(1 + i % 4))
            if !same(y, expected) { wrong.add() }
        }
        #expect(wrong.value == 0)
    }

    @Test("memory is aligned, keeps what is written, and comes back when it is asked for again")
    func memory() {
        for bytes in [0, 1, 63, 64, 65, 4096, 1 << 20, (1 << 20) + 1, 3_000_001, 10 << 20] {
            guard let block = ck_allocate(bytes), let other = ck_allocate(bytes) else {
                Issue.record("no memory for \(bytes) bytes")
                continue
            }
            #expect(Int(bitPattern: block) % 64 == 0)
            memset(block, 0xA5, bytes)
            #expect(other != block)
            memset(other, 0x5A, bytes)
            #expect(bytes == 0 || block.load(fromByteOffset: bytes - 1, as: UInt8.self) == 0xA5)
            ck_free(block, bytes)
            let again = ck_allocate(bytes)
            #expect(again == block)
            ck_free(again, bytes)
            ck_free(other, bytes)
        }
        #expect(ck_allocate(.max) == nil)
        ck_free(nil, 10)
        ck_release_pool()
    }

    @Test("an instruction set above the best is clamped")
    func clamped() {
        ck_set_isa(ck_isa(rawValue: 9))
        #expect(ck_get_isa() == ck_best_isa())
        ck_set_isa(ck_best_isa())
    }
}

/// Counts from several threads.
final class Counter: Sendable {
    private let count = Mutex(0)

    func add() { count.withLock { $0 += 1 } }
    var value: Int { count.withLock { $0 } }
}
