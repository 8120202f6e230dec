import ArgumentParser
import Foundation
import Models
import Tensors
import Training

/// An adapter added into its model.
struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Add an adapter into a model and write the result as a model folder.",
        discussion: """
            The sum is made in fp32 and then rounded to the format. Without --adapter the model itself is written in that format.

            Example: mica merge Samples/fables-llama --adapter runs/pirate/step-100 --format bf16 --out pirate
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case fp32, bf16, fp16

        var type: ElementType {
            switch self {
            case .fp32: .f32
            case .bf16: .bf16
            case .fp16: .f16
            }
        }
    }

    @Argument(help: ArgumentHelp("A model folder.", valueName: "model"))
    var path: String
    @Option(help: ArgumentHelp("An adapter in PEFT's format.", valueName: "folder"))
    var adapter: String?
    @Option(help: ArgumentHelp("How strong the adapter is: 1 as it was trained.", valueName: "x"))
    var scale = 1.0
    @Option(help: "Number format of the weights: fp32, bf16, fp16.")
    var format = Format.fp32
    @Option(help: ArgumentHelp("The new folder.", valueName: "folder"))
    var out: String
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if !scale.isFinite { throw ValidationError("--scale must be a number.") }
    }

    func run() throws {
        var model = try Model(path: path)
        if let adapter {
            try PEFTAdapter(path: adapter).attach(to: &model)
            model.adapter?.strength = scale
        }
        guard mkdir(out, 0o777) == 0 else {
            throw Failure("\(out): \(String(cString: strerror(errno))); give a folder that is not there yet")
        }
        try ModelExport.write(model.merged(threads: threads.count), format: format.type, to: out)
    }
}
