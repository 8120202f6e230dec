import Checkpoints
import Engine
import Foundation
import Models
import Tensors
import Testing

@testable import Training

/// A base in four bits is held in four bits, and trains as the same numbers in fp32 do.
struct FourBitTests {
    /// NF4 and its double quantisation in two plain steps: codes of one byte, and the blocks' magnitudes less their mean as codes.
    private func rounded(_ weight: Tensor) throws -> [Float] {
        let codes = try BlockCodes(weight, levels: .nf4, block: 64, threads: 1)
        let tops = codes.absmax.floats()
        let mean = tops.reduce(0, +) / Float(tops.count)
        let second = try BlockCodes(Tensor(codes.absmax.shape, tops.map { $0 - mean }), levels: .signed, block: 256, threads: 1)
        let scales = try Tensor(codes.absmax.shape, second.tensor(threads: 1).floats().map { $0 + mean })
        return try BlockCodes(shape: codes.shape, levels: .nf4, block: 64, codes: codes.codes, absmax: scales).tensor(threads: 1).floats()
    }

    private func normal(_ shape: Shape) throws -> Tensor {
        var random = SplitMix64(state: 11)
        return try Tensor(shape) { out in
            for i in out.indices { out[i] = (0..<4).reduce(0) { sum, _ in sum + Float(random.next() >> 40) / Float(1 << 24) } - 2 }
        }
    }

    @Test(arguments: [[3, 7], [5, 64], [130, 257]]) func codesAreTheTwoSteps(_ counts: [Int]) throws {
        let weight = try normal(Shape((.output, counts[0]), (.input, counts[1])))
        let expected = try rounded(weight)
        for threads in [1, 2] {
            let packed = try weight.inNF4(threads: threads)
            #expect(packed.type == .nf4 && packed.floats() == expected && packed.doubles() == expected.map(Double.init))
            #expect(packed.value(at: [1, 5]) == Double(expected[counts[1] + 5]) && packed.value(at: [counts[0], 0]) == nil)
            // A row, and a part whose rows lie further apart than they are long.
            #expect(packed[2].floats() == Array(expected[2 * counts[1]..<3 * counts[1]]))
            let part = packed.view(Shape((.output, 2), (.input, 3)), strides: [counts[1], 1], offset: counts[1] + 1)
            #expect(part.floats() == [1, 2].flatMap { row in (1..<4).map { expected[row * counts[1] + $0] } })
        }
    }

    /// Half a byte a code, an eighth of a bit a block's scale.
    @Test func fourBitsAndAnEighth() throws {
        let weight = try normal(Shape((.output, 512), (.input, 512)))
        #expect(abs(Double(try weight.inNF4(threads: 2).byteCount) * 8 / Double(weight.elementCount) - 4.127) < 0.001)
    }

    private static let settings = ["method": "qlora", "rank": "2", "steps": "4", "lr": "0.01", "batch-size": "3", "lora-dropout": "0.2"]

    /// Nothing of the blocks' matrices is in fp32, and losses and adapters have the bits that they have beside the whole matrices.
    @Test(arguments: Tiny.Kind.allCases, [1, 2]) func trainsAsTheWholeMatrices(_ kind: Tiny.Kind, threads: Int) throws {
        let tiny = try Tiny(kind)
        let job = try tiny.job(TrainingSettings(FourBitTests.settings), threads: threads)
        var whole = job.model
        let matrices = whole.replacements.filter { $0.value.type == .nf4 }
        #expect(matrices.count == (kind == .llama ? 14 : 8))
        for (name, packed) in matrices {
            whole.replacements[name] = try packed.contiguous()
            #expect(try packed.floats() == rounded(job.model.checkpoint.tensor(named: job.model.weightNames[name] ?? name)))
        }
        for parameter in job.parameters { whole.replacements[parameter.name] = try whole.weight(parameter.name).contiguous() }
        var packed = try Trainer(job)
        var plain = try Trainer(job, model: whole, state: TrainingState())
        #expect(try packed.losses() == plain.losses())
        #expect(try packed.bits() == plain.bits())
    }

    /// The plan counts what is held.
    @Test func thePlanCountsTheCodes() throws {
        let tiny = try Tiny()
        func weights(_ method: String) throws -> Int {
            try TrainingPlan(tiny.job(TrainingSettings(["method": method, "rank": "1"]))).parts[0].bytes
        }
        // 2 layers of 12·12·2 + 12·6·2 + 3·12·20 weights, from four bytes to little more than half a byte.
        let (whole, packed) = (try weights("lora"), try weights("qlora"))
        #expect(whole - packed > 2 * (2 * 144 + 2 * 72 + 720) * 4 * 8 / 10)
    }

    /// The format is ours, in memory: a file cannot have it, and what is exported is fp32.
    @Test func filesHaveNoCodes() throws {
        let scratch = try Scratch()
        let packed = try normal(Shape((.output, 4), (.input, 64))).inNF4(threads: 1)
        #expect(throws: CheckpointError.self) {
            var writer = try SafetensorsWriter(path: "\(scratch.path)/a.safetensors", tensors: [TensorPlan("w", .nf4, [4, 64])])
            try writer.write("w", packed)
            try writer.finish()
        }
        var writer = try SafetensorsWriter(path: "\(scratch.path)/b.safetensors", tensors: [TensorPlan("w", .f32, [4, 64])])
        try writer.write("w", packed)
        try writer.finish()
        #expect(try Checkpoint(path: "\(scratch.path)/b.safetensors").tensor(named: "w").floats() == packed.floats())
        let header = "{\"w\":{\"dtype\":\"NF4\",\"shape\":[2],\"data_offsets\":[0,2]}}"
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        try Data(length + Array(header.utf8) + [0, 0]).write(to: URL(fileURLWithPath: "\(scratch.path)/c.safetensors"))
        #expect(throws: CheckpointError.self) { try Checkpoint(path: "\(scratch.path)/c.safetensors") }
    }
}
