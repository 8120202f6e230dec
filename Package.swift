// swift-tools-version: 6.1
import PackageDescription

/// One target a stage of the flow in the README, left to right; the package enforces the direction.
let package = Package(
    name: "mica",
    products: [.executable(name: "mica", targets: ["mica"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "CNcurses", linkerSettings: [.linkedLibrary("ncursesw"), .linkedLibrary("tinfo")]),
        // Kernels are always optimised: a debug build that steps a real model must stay usable.
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])], linkerSettings: [.linkedLibrary("pthread")]),
        // Optimised as well: a tokenizer of 20 MB and a header of 100,000 tensors are parsed in every test and debug run.
        .target(name: "StrictJSON", swiftSettings: [.unsafeFlags(["-O"])]),
        .target(name: "Tensors", dependencies: ["CKernels", "COpenBLAS"]),
        .target(name: "Checkpoints", dependencies: ["Tensors", "StrictJSON", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Tokenizers", dependencies: ["StrictJSON"]),
        .target(name: "Engine", dependencies: ["Tensors", .product(name: "RealModule", package: "swift-numerics")]),
        .target(name: "Models", dependencies: ["Engine", "Checkpoints", "Tokenizers", "StrictJSON"]),
        .target(
            name: "Training", dependencies: ["Models", "Tokenizers", "StrictJSON", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Screen", dependencies: ["TOMLKit"], resources: [.copy("../../Themes")]),
        .target(name: "Workbench", dependencies: ["Models", "Training", "Screen", "TOMLKit"], resources: [.copy("../../Samples")]),
        .target(name: "Curses", dependencies: ["Screen", "CNcurses"], resources: [.copy("terminfo")]),
        .executableTarget(
            name: "mica",
            dependencies: [
                "Workbench", "Training", "Curses", "StrictJSON", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints", "StrictJSON", "Tensors"]),
        .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers", "StrictJSON"], exclude: ["Golden"]),
        .testTarget(name: "KernelsTests", dependencies: ["CKernels", "Tensors", .product(name: "Crypto", package: "swift-crypto")]),
        .testTarget(name: "EngineTests", dependencies: ["Engine"]),
        .testTarget(name: "ModelsTests", dependencies: ["Models", "Checkpoints", "StrictJSON"], exclude: ["Golden"]),
        .testTarget(name: "TrainingTests", dependencies: ["Training", "Tokenizers", "StrictJSON", "mica"], exclude: ["Golden"]),
        .testTarget(name: "ScreenTests", dependencies: ["Screen"]),
        .testTarget(name: "WorkbenchTests", dependencies: ["Workbench", "Training"], exclude: ["Golden"]),
        .testTarget(name: "TerminalTests", dependencies: ["Curses", "Screen", "Training", "mica"]),
    ],
    swiftLanguageModes: [.v6]
)
