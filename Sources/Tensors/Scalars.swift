/// Reads single elements, unaligned, in every element type.
package enum Scalars {
    /// The element at `place`, exactly (integers beyond 2^53 rounded). The caller has checked the range; codes are read by their tensor.
    package static func read(_ bytes: UnsafeRawBufferPointer, _ type: ElementType, at place: Int) -> Double {
        let at = place * type.byteCount
        switch type {
        case .f64: return bytes.loadUnaligned(fromByteOffset: at, as: Double.self)
        case .f32: return Double(bytes.loadUnaligned(fromByteOffset: at, as: Float.self))
        case .f16: return half(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
        case .bf16: return Double(Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)) << 16))
        case .f8e4m3: return e4m3(bytes[at])
        case .f8e5m2: return half(UInt16(bytes[at]) << 8)
        case .i8: return Double(bytes.loadUnaligned(fromByteOffset: at, as: Int8.self))
        case .i16: return Double(bytes.loadUnaligned(fromByteOffset: at, as: Int16.self))
        case .i32: return Double(bytes.loadUnaligned(fromByteOffset: at, as: Int32.self))
        case .i64: return Double(bytes.loadUnaligned(fromByteOffset: at, as: Int64.self))
        case .u8, .bool: return Double(bytes[at])
        case .u16: return Double(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
        case .u32: return Double(bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
        case .u64: return Double(bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        case .nf4: return .nan
        }
    }

    /// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits.
    package static func half(_ bits: UInt16) -> Double {
        let sign: Double = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10) & 31
        let fraction = Double(bits & 0x3FF) / 1024
        switch exponent {
        case 0: return sign * fraction * 0x1p-14
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
        }
    }

    /// OCP OFP8 E4M3: bias 7, no infinity, all ones is NaN.
    package static func e4m3(_ bits: UInt8) -> Double {
        let sign: Double = bits & 0x80 == 0 ? 1 : -1
        let exponent = Int(bits >> 3) & 15
        let fraction = Double(bits & 7) / 8
        if bits & 0x7F == 0x7F { return .nan }
        return exponent == 0 ? sign * fraction * 0x1p-6 : sign * Double(sign: .plus, exponent: exponent - 7, significand: 1 + fraction)
    }
}
