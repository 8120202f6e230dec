import CKernels
import Crypto
import Foundation
import Tensors
import Testing

/// A format and the digest of what other programs make of the same numbers.
///
///     u = np.arange(65536, dtype=np.uint32)
///     x = np.concatenate([(u << 16).view(np.float32), u.astype(np.uint16).view(np.float16).astype(np.float32),
///                         (u * np.uint32(2654435761)).view(np.float32)])
///     y = x.astype(ml_dtypes.float8_e4m3fn).astype(np.float32)       # or torch.from_numpy(x).to(torch.float8_e4m3fn).float().numpy()
///     y[np.isnan(y)] = np.nan; print(hashlib.sha256(y.tobytes()).hexdigest())
struct CastCase: Sendable, CustomTestStringConvertible {
    let format: NumberFormat
    let digest: String
    let testDescription: String

    init(_ format: NumberFormat, saturates: Bool = false, _ digest: String) {
        self.format = saturates ? format.saturating() : format
        self.digest = digest
        testDescription = "\(format.name)\(saturates ? ", saturating" : "")"
    }

    static let all = [
        // torch.bfloat16 and ml_dtypes.bfloat16
        CastCase(.bf16, "551fb73295e4d376a0bac3a974a93489321b8eca57e980711246058cc131927e"),
        // torch.float16 and np.float16
        CastCase(.fp16, "8d0af7b836991909854295c79283351022a945f597658e2d6c6501082de35b4b"),
        // ml_dtypes.float8_e4m3fn, and torch.float8_e4m3fn, which saturates (2.15)
        CastCase(.fp8e4m3, "34b03a243a604a7d5d3dc5f60c018762d68e490550052f1d9a59bcd6800f6763"),
        CastCase(.fp8e4m3, saturates: true, "6951729e722c71d353a90c8ddb2fabb8a05fa13d81fa358f282f1d21a22b5403"),
        // torch.float8_e5m2 and ml_dtypes.float8_e5m2
        CastCase(.fp8e5m2, "f28ee522b1dad3621936d0bc0f69c775c806773c65d6231de827ccd83981000d"),
        // ml_dtypes.float6_e2m3fn, float6_e3m2fn, float4_e2m1fn
        CastCase(.fp6e2m3, "3cb29464bd189b5c0e318740916f620497dd95c22ddd9228eb38a5058d8385df"),
        CastCase(.fp6e3m2, "33553a6f9f4616db9c191ff53795a8e62cab42f37d04e20d4e1fc6a4a3d46d3b"),
        CastCase(.fp4e2m1, "59b6283ccc494cc151bf5a79f508dce3ddeb0427e0642afdf82422ec80da4efd"),
    ]

    static let numbers: [Float] =
        (0..<65536).map { Float(bitPattern: $0 << 16) } + (0..<65536).map { Float(Float16(bitPattern: UInt16($0))) }
        + (0..<65536).map { Float(bitPattern: UInt32($0) &* 2_654_435_761) }

    static func digest(_ values: [Float]) -> String {
        let plain = values.map { $0.isNaN ? Float(bitPattern: 0x7FC0_0000) : $0 }
        return plain.withUnsafeBytes { SHA256.hash(data: $0).map { String(format: "%02x", $0) }.joined() }
    }
}

/// Rows of 100 whose exponents differ from row to row, one of zeros, one with an infinity:
///
///     i = np.arange(60000).reshape(600, 100)
///     r = ((i * 7919 % 2001 - 1000) * 2.0 ** (i // 100 % 230 - 140)).astype(np.float32); r[7] = 0; r[9, 50] = np.inf
private let rows: [Float] = (0..<60000).map { i in
    if i / 100 == 7 { return 0 }
    return i == 950 ? .infinity : Float(Double(i * 7919 % 2001 - 1000) * Double(sign: .plus, exponent: i / 100 % 230 - 140, significand: 1))
}

extension Kernels {
    @Test("casts are PyTorch's and ml_dtypes' on every instruction set", arguments: CastCase.all)
    func casts(_ test: CastCase) throws {
        try onEachInstructionSet { name in
            let x = try Tensor(Shape((.item, CastCase.numbers.count)), CastCase.numbers)
            #expect(try CastCase.digest(test.format.rounded(x, threads: 2).floats()) == test.digest, "\(name)")
        }
    }

    @Test("casts agree with the scalar rule, with each switch", arguments: NumberFormat.all.filter { $0.isElementwise })
    func castsBySwitch(_ format: NumberFormat) throws {
        for (saturates, flushes) in [(false, false), (true, false), (false, true), (true, true)] {
            // All with the switches off; every seventh with one on.
            let numbers =
                saturates || flushes ? stride(from: 0, to: CastCase.numbers.count, by: 7).map { CastCase.numbers[$0] } : CastCase.numbers
            let x = try Tensor(Shape((.item, numbers.count)), numbers)
            var format = format
            format.saturates = format.saturates || saturates
            format.flushesSubnormals = flushes
            let truth = numbers.map { Float(format.nearest(Double($0))) }
            if format.keepsSingle && saturates { continue }
            try onEachInstructionSet { name in
                let y = try format.rounded(x, threads: 2).floats()
                #expect(same(y, truth), "\(name), saturates \(saturates), flushes \(flushes)")
                // What is rounded stays: the second time nothing changes.
                #expect(try same(format.rounded(Tensor(x.shape, y), threads: 1).floats(), y))
            }
        }
    }

    /// −∞ that hides a key is no number: it stays, and the others are rounded as if it were not there. Without the switch it is one.
    @Test("what is hidden is not rounded", arguments: NumberFormat.all.filter { !$0.keepsSingle })
    func hides(_ format: NumberFormat) throws {
        let numbers: [Float] = (0..<7 * 77).map { i in
            let isHidden = i / 77 == 3 || i * 31 % 5 == 0
            return isHidden ? -.infinity : Float(i * 7919 % 2001 - 1000) / 64
        }
        let shape = Shape((.query, 7), (.key, 77))
        let covered = try Tensor(shape, numbers.map { $0.isFinite ? $0 : 0 })
        try onEachInstructionSet { name in
            let rounded = try format.rounded(covered, threads: 1).floats()
            let truth: [Float] = zip(numbers, rounded).map { $0.isFinite ? $1 : $0 }
            let x = try Tensor(shape, numbers)
            #expect(try format.rounded(x, hides: true, threads: 2).floats() == truth, "\(name)")
            #expect(try format.rounded(fresh: Tensor(shape, numbers), hides: true, threads: 2).floats() == truth, "\(name)")
            #expect(truth.contains { $0.isFinite && $0 != 0 })
            let asNumbers = try format.rounded(x, threads: 1).floats()
            #expect((asNumbers == truth) == (format.isElementwise && format.specials == .infinityAndNaN), "\(name)")
        }
    }

    /// By hand: results below the least normal number become zeros of their sign, after rounding; what is beyond the largest becomes it.
    @Test(
        "flush and saturate do what they say",
        arguments: [
            (NumberFormat.fp16, [0x1.ff8p-15, -3e-8, 0x1.fffp-15, 0x1p-14, -0x1p-14], [0, -0.0, 0x1p-14, 0x1p-14, -0x1p-14]),
            (.bf16, [0x1p-127, -0x1.f8p-127, 0x1p-126], [0, -0.0, 0x1p-126]),
            (.fp8e4m3, [0x1p-7, -0x1.cp-7, 0x1.fp-7, 0x1p-6], [0, -0.0, 0x1p-6, 0x1p-6]),
            (.fp8e5m2, [0x1p-15, -0x1p-16, 0x1p-14], [0, -0.0, 0x1p-14]),
        ] as [(NumberFormat, [Float], [Float])])
    func flushes(_ format: NumberFormat, _ given: [Float], _ expected: [Float]) throws {
        var flushing = format
        flushing.flushesSubnormals = true
        try onEachInstructionSet { name in
            let found = try flushing.rounded(Tensor(Shape((.item, given.count)), given), threads: 1).floats()
            #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(name)")
            #expect(given.map { Float(flushing.nearest(Double($0))).bitPattern } == expected.map(\.bitPattern))
            // Without the switch the smallest stay.
            #expect(try format.rounded(Tensor(Shape((.item, given.count)), given), threads: 1).floats()[0] == given[0])
        }
    }

    @Test(
        "saturating formats have a largest number and no overflow",
        arguments: [
            (NumberFormat.fp16, 65504, [65519, 65520, -1e9]), (.bf16, 0x1.fep127, [0x1.fefffep127, 0x1.ffp127, -0x1.fffffep127]),
            (.fp8e4m3, 448, [463, 465, -1e30]), (.fp8e5m2, 57344, [61439, 61440, -1e9]),
        ] as [(NumberFormat, Float, [Float])])
    func saturates(_ format: NumberFormat, _ largest: Float, _ given: [Float]) throws {
        try onEachInstructionSet { name in
            let x = try Tensor(Shape((.item, 3)), given)
            let (wide, plain) = (try format.saturating().rounded(x, threads: 1).floats(), try format.rounded(x, threads: 1).floats())
            #expect(wide == [largest, largest, -largest], "\(name)")
            // The first rounds down to it, the others are beyond.
            #expect(plain[0] == largest && !plain[1].isFinite && !plain[2].isFinite, "\(name)")
        }
    }

    /// Scale 2^(floor(log2 max|x|) − emax) for the microscaling formats, elements cast by ml_dtypes after clipping; for int8
    /// np.rint(v / s) * s with s = max|v| / np.float32(127); 32 elements a block, the digest as above.
    @Test(
        "blocks share a scale as the specification says",
        arguments: [
            (NumberFormat.mxfp8, "74f7e88472d4c8483fbfd393fe4bffa0b4f6b674fa84c1a10cea8fe549612f98"),
            (.mxfp4, "d6a886c661f74af6f5c507bb7e64a95bddee5456d8f3ed654fac33e25fe23fe7"),
            (.int8, "ef0d0f269f73f8f24fbf16e12070effe296e63c0afdfb9b4b4356282d13a9c40"),
        ])
    func blocks(_ format: NumberFormat, _ digest: String) throws {
        try onEachInstructionSet { name in
            for threads in [1, 2] {
                let y = try format.rounded(Tensor(Shape((.token, 600), (.feature, 100)), rows), threads: threads)
                #expect(CastCase.digest(y.floats()) == digest, "\(name)")
            }
        }
    }

    /// The tables of the OCP's two specifications, and of IEEE 754.
    @Test(
        "ranges of the formats",
        arguments: [
            (NumberFormat.fp16, 65504, 0x1p-14, 0x1p-24), (.bf16, 3.3895313892515355e38, 0x1p-126, 0x1p-133),
            (.fp8e4m3, 448, 0x1p-6, 0x1p-9),
            (.fp8e5m2, 57344, 0x1p-14, 0x1p-16), (.fp6e3m2, 28, 0.25, 0.0625), (.fp6e2m3, 7.5, 1, 0.125), (.fp4e2m1, 6, 1, 0.5),
            (.fp32, Double(Float.greatestFiniteMagnitude), 0x1p-126, 0x1p-149), (.tf32, 3.4011621342146535e38, 0x1p-126, 0x1p-136),
            (.fp64, Double.greatestFiniteMagnitude, 0x1p-1022, 0x1p-1074), (.int8, 127, 128, 1),
        ])
    func ranges(_ format: NumberFormat, _ maximum: Double, _ normal: Double, _ subnormal: Double) {
        #expect(format.maximum == maximum && format.minimumNormal == normal && format.minimumSubnormal == subnormal)
        #expect(NumberFormat.named(format.name) == format)
    }
}
