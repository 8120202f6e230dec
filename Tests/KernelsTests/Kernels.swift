import CKernels
import Testing

/// All kernel tests are one serialised suite, because the instruction set in use is one setting of the process.
@Suite(.serialized) struct Kernels {}

/// The instruction sets this machine can run.
let instructionSets: [UInt32] = Array(0...ck_best_isa().rawValue)

/// Runs the body once on each instruction set and puts the best one back.
func onEachInstructionSet(_ body: (String) throws -> Void) rethrows {
    defer { ck_set_isa(ck_best_isa()) }
    for level in instructionSets {
        ck_set_isa(ck_isa(rawValue: level))
        try body(String(cString: ck_isa_name(ck_get_isa())))
    }
}

/// A small generator with a seed, so that a failure can be repeated.
struct Generator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func bits() -> UInt32 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt32(truncatingIfNeeded: state >> 32)
    }

    mutating func value() -> Float { Float(Int32(bitPattern: bits())) * 0x1p-31 }
    mutating func values(_ count: Int) -> [Float] { (0..<count).map { _ in value() } }
    mutating func below(_ bound: Int) -> Int { Int(bits()) % bound }
}

/// Equal bits; one NaN is as good as another.
func same(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
}

/// How far `value` is from `truth` in units in the last place of fp32.
func ulps(_ value: Float, _ truth: Double) -> Double {
    let nearest = Float(truth)
    if nearest.isNaN || nearest.isInfinite { return value == nearest || (nearest.isNaN && value.isNaN) ? 0 : .infinity }
    if value.isNaN { return .infinity }
    if value.isInfinite { return abs(truth) > 3.4028e38 ? 1 : .infinity }
    return abs(Double(value) - truth) / Double(max(nearest.ulp, Float.leastNonzeroMagnitude))
}

/// Elements of a format, little-endian, beginning one byte into an allocation: files promise no alignment.
struct Elements {
    let bytes: [UInt8]
    let type: ck_type
    let values: [Float]

    init(_ type: ck_type, _ values: [Float]) {
        var bytes: [UInt8] = [0xAA], read: [Float] = []
        func append<T>(_ element: T) { withUnsafeBytes(of: element) { bytes.append(contentsOf: $0) } }
        for value in values {
            switch type {
            case CK_F64: append(Double(value)); read.append(value)
            case CK_BF16:
                append(UInt16(value.bitPattern >> 16))
                read.append(Float(bitPattern: value.bitPattern & 0xFFFF_0000))
            case CK_F16: append(Float16(value)); read.append(Float(Float16(value)))
            case CK_F8_E5M2:
                let byte = UInt8(Float16(value).bitPattern >> 8)
                append(byte)
                read.append(Float(Float16(bitPattern: UInt16(byte) << 8)))
            case CK_F8_E4M3:
                let byte = UInt8(truncatingIfNeeded: value.bitPattern >> 24 & 0x80 | value.bitPattern & 0x3F)
                append(byte)
                read.append(e4m3(byte))
            default: append(value); read.append(value)
            }
        }
        (self.bytes, self.type, self.values) = (bytes, type, read)
    }

    func withPointer(_ body: (UnsafeRawPointer) -> Void) {
        bytes.withUnsafeBytes { buffer in
            if let start = buffer.baseAddress { body(start + 1) }
        }
    }
}

/// The value of an E4M3 byte, from its definition: bias 7, no infinity, NaN where all other bits are set.
func e4m3(_ byte: UInt8) -> Float {
    let exponent = Int(byte >> 3 & 15), fraction = Float(byte & 7), sign: Float = byte & 128 == 0 ? 1 : -1
    if byte & 127 == 127 { return .nan }
    return sign * (exponent == 0 ? fraction * 0x1p-9 : Float(sign: .plus, exponent: exponent - 7, significand: 1 + fraction / 8))
}
