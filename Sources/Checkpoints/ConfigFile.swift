import StrictJSON
import Tensors

/// A JSON object of a model folder, copied from its file.
package struct ConfigFile: Sendable {
    /// For messages.
    package let path: String
    /// `config.json`, whatever the file is called.
    package let format: String
    package let object: JSONObject

    /// A settings text from elsewhere than a file.
    package init(path: String, format: String = "config.json", object: JSONObject) {
        self.path = path
        self.format = format
        self.object = object
    }

    package init(path: String, format: String = "config.json") throws(CheckpointError) {
        let object = try InputFile.object(path, shownAs: path, as: format, limit: InputFile.configLimit)
        self.init(path: path, format: format, object: object)
    }

    init(_ name: String, in folder: String) throws(CheckpointError) {
        let target = try InputFile.resolve(name, in: folder, as: name)
        let path = InputFile.join(folder, name)
        self.init(path: path, format: name, object: try InputFile.object(target, shownAs: path, as: name, limit: InputFile.configLimit))
    }

    /// The architecture's name as the file gives it.
    package func modelType() throws(CheckpointError) -> String {
        switch object["model_type"] {
        case .string(let text)?: return text
        case nil: throw fault("missing model_type", next: "Add the architecture's name, for example \"model_type\": \"llama\".")
        case let value?: throw fault("model_type must be a string, is \(value.kind)", next: "Correct config.json.")
        }
    }

    package func fault(_ rule: String, next: String) -> CheckpointError { CheckpointError(path, format, rule, next: next) }
}
