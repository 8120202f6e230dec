import ArgumentParser
import Checkpoints
import Engine
import Models
import Tensors

/// Every named value of one forward pass in a file, for comparison with other programs.
struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Write every named value of one pass, forward or also backward, into a safetensors file.",
        discussion: """
            Values are fp32, under the names of the checkpoint's own modules; logits and loss (mean next-token cross entropy) are among them.
            With --backward the gradients of the loss follow, of every weight and every value that depends on one, under grad:NAME.
            --checkpointing layer or sqrt keeps fewer values for the reverse walk and computes the rest again: the same bits in less memory.

            Example: mica trace Samples/fables-llama --prompt "Tom and Mia" --names "layers.0" --out trace.safetensors
            """)

    @OptionGroup var source: ModelOptions
    @OptionGroup var what: EditOptions
    @Flag(help: "Also the gradients of the loss, under grad:NAME.")
    var backward = false
    @OptionGroup var memory: CheckpointingOptions
    @Option(help: ArgumentHelp("Only values whose name has this part, or fits this pattern (* and ?).", valueName: "pattern"))
    var names: String?
    @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
    var out: String

    func run() throws {
        let policy = try source.policy
        let (model, ids) = try source.load()
        Interrupt.watch()
        if backward { try LossTokens.check(ids) }
        var stepper = try model.stepper(
            ids: ids, leaves: backward ? { $0.role == .weight } : nil, edits: what.load(for: model, policy: policy),
            policy: policy, keep: memory.checkpointing.keep)
        let wanted = TraceCommand.wanted(stepper.program, pattern: names.map { NamePattern($0) })
        guard !wanted.isEmpty else { throw Failure("no value's name fits \(names ?? "")") }
        var writer = try SafetensorsWriter(path: out, tensors: TraceCommand.plans(wanted, stepper.program), metadata: metadata(model, ids))
        try TraceCommand.write(&stepper, wanted, to: &writer)
        try writer.finish()
        if backward { Console.note(CheckpointingOptions.report(stepper.recording)) }
    }

    /// The names under which each value is to be written: its own and its aliases.
    private static func wanted(_ program: Program, pattern: NamePattern?) -> [Int: [String]] {
        var wanted: [Int: [String]] = [:]
        for step in program.steps {
            let value = program.values[step.output]
            let names = ([value.name] + value.aliases).filter { !value.isPart && (pattern?.matches($0) ?? true) }
            if !names.isEmpty { wanted[step.output] = names }
        }
        return wanted
    }

    private static func plans(_ wanted: [Int: [String]], _ program: Program) -> [TensorPlan] {
        program.steps.flatMap { step in
            (wanted[step.output] ?? []).map { TensorPlan($0, .f32, program.values[step.output].shape.counts) }
        }
    }

    private static func write(_ stepper: inout Stepper, _ wanted: [Int: [String]], to writer: inout SafetensorsWriter) throws {
        var progress = Progress("tracing", total: stepper.program.steps.count)
        defer { progress.finish() }
        while !stepper.isFinished {
            try Interrupt.check()
            let id = try stepper.step()
            if let names = wanted[id], let tensor = try stepper.tensor(id) {
                let rows = try tensor.contiguous()
                for name in names { try writer.write(name, rows) }
            }
            progress.update(stepper.cursor)
        }
    }

    private func metadata(_ model: Model, _ ids: [Int]) -> [(key: String, value: String)] {
        [
            ("format", "pt"), ("made_by", "mica trace"), ("architecture", model.architecture.name),
            ("precision", source.precision.precision),
            ("input_ids", ids.map(String.init).joined(separator: ",")),
        ]
    }
}
