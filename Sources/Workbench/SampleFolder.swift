import Foundation

/// Where the bundled samples lie: an environment variable, beside the executable, the resource bundle.
package enum SampleFolder {
    package static var path: String? {
        let environment = ProcessInfo.processInfo.environment["MICA_RESOURCES"].map { $0 + "/Samples" }
        let beside =
            (CommandLine.arguments.first.map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent().path }).map {
                $0 + "/Samples"
            }
        let bundled = Bundle.module.resourceURL?.appendingPathComponent("Samples").path
        return [environment, beside, bundled].compactMap { $0 }.first {
            FileManager.default.fileExists(atPath: $0 + "/fables-llama/config.json")
        }
    }

    /// What `mica` opens without an argument.
    package static var defaultModel: String { (path ?? "Samples") + "/fables-llama" }
}
