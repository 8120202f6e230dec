import CKernels

/// How one element lies in a file or in memory: the dtypes of the safetensors format, little-endian, and packed codes.
package enum ElementType: String, CaseIterable, Sendable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case f8e4m3 = "F8_E4M3"
    case f8e5m2 = "F8_E5M2"
    case i8 = "I8"
    case i16 = "I16"
    case i32 = "I32"
    case i64 = "I64"
    case u8 = "U8"
    case u16 = "U16"
    case u32 = "U32"
    case u64 = "U64"
    case bool = "BOOL"
    /// Four bits an element, see `NF4Codes`; in memory only.
    case nf4 = "NF4"

    /// Those that a file of tensors may have.
    package static let inFiles = allCases.filter { $0 != .nf4 }

    /// Of an element that stands alone; codes are counted by `Tensor.byteCount` and addressed by element.
    package var byteCount: Int {
        switch self {
        case .f64, .i64, .u64: 8
        case .f32, .i32, .u32: 4
        case .f16, .bf16, .i16, .u16: 2
        case .f8e4m3, .f8e5m2, .i8, .u8, .bool, .nf4: 1
        }
    }

    package var isFloat: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2, .nf4: true
        default: false
        }
    }

    /// The name people say: `fp32`, `bf16`, `int8`.
    package var spokenName: String {
        switch self {
        case .f64: "fp64"
        case .f32: "fp32"
        case .f16: "fp16"
        case .bf16: "bf16"
        case .f8e4m3: "fp8 e4m3"
        case .f8e5m2: "fp8 e5m2"
        case .bool: "bool"
        case .nf4: "nf4"
        case .u8, .u16, .u32, .u64: "uint" + rawValue.dropFirst()
        case .i8, .i16, .i32, .i64: "int" + rawValue.dropFirst()
        }
    }

    var kernelType: ck_type {
        switch self {
        case .f64: CK_F64
        case .f32: CK_F32
        case .f16: CK_F16
        case .bf16: CK_BF16
        case .f8e4m3: CK_F8_E4M3
        case .f8e5m2: CK_F8_E5M2
        case .i8: CK_I8
        case .i16: CK_I16
        case .i32: CK_I32
        case .i64: CK_I64
        case .u8: CK_U8
        case .u16: CK_U16
        case .u32: CK_U32
        case .u64: CK_U64
        case .bool: CK_BOOL
        case .nf4: CK_NF4
        }
    }
}
