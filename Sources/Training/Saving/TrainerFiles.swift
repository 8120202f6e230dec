import Checkpoints
import Engine
import Foundation
import Models
import StrictJSON
import Tensors

/// A trainer between two steps as files: the weights in a form that other programs open, and what the optimizer keeps.
struct TrainerFiles {
    static let optimizer = "optimizer.safetensors"

    let job: TrainingJob

    /// What the files will take, nearly.
    func byteCount(_ trainer: Trainer) -> Int {
        let moments = trainer.state.moments.values.flatMap { $0 }.reduce(0) { $0 + $1.byteCount }
        let weights = job.parameters.reduce(0) { $0 + $1.shape.elementCount * 4 }
        return moments + weights + (job.settings.method.isAdapter ? 0 : job.model.checkpoint.byteCount) + (1 << 20)
    }

    /// Writes all files into a folder; returns their names.
    func write(_ trainer: Trainer, to folder: String) throws -> [String] {
        let weights =
            try job.settings.method.isAdapter
            ? AdapterExport.write(trainer.model, parameters: job.parameters, settings: job.settings, to: folder)
            : ModelExport.write(trainer.model, format: nil, to: folder)
        try writeOptimizer(trainer, to: "\(folder)/\(TrainerFiles.optimizer)")
        return try weights + FutureHeads.write(trainer.model, job.parameters, to: folder) + [TrainerFiles.optimizer]
    }

    private func writeOptimizer(_ trainer: Trainer, to path: String) throws {
        let slots = UpdateRule(job.settings).slots
        var tensors: [(name: String, tensor: Tensor)] = []
        for parameter in job.parameters {
            for (slot, moment) in zip(slots, trainer.state.moments[parameter.name] ?? []) {
                switch moment {
                case .exact(let tensor): tensors.append(("\(slot):\(parameter.name)", tensor))
                case .blocks(let blocks):
                    tensors.append(("\(slot).codes:\(parameter.name)", blocks.codes))
                    tensors.append(("\(slot).absmax:\(parameter.name)", blocks.absmax))
                }
            }
        }
        var writer = try SafetensorsWriter(
            path: path, tensors: tensors.map { TensorPlan($0.name, $0.tensor.type, $0.tensor.shape.counts) },
            metadata: [("step", String(trainer.state.step))])
        for (name, tensor) in tensors { try writer.write(name, tensor) }
        try writer.finish()
    }

    // MARK: reading

    /// A trainer that goes on where a checkpoint was made.
    func trainer(_ manifest: Manifest, in folder: String) throws -> Trainer {
        var state = TrainingState()
        state.step = manifest.step
        state.cursor = manifest.cursor
        state.tokens = manifest.tokens
        state.losses = manifest.losses
        let model = try weights(in: folder)
        state.moments = try moments(in: folder, step: manifest.step)
        return try Trainer(job, model: model, state: state)
    }

    /// The model with its trained weights copied from the files, which may be removed while the run goes on.
    private func weights(in folder: String) throws -> Model {
        var model = job.model
        let found: (String) throws -> Tensor?
        if job.settings.method.isAdapter {
            let adapter = try PEFTAdapter(path: folder)
            try check(adapter, folder)
            found = { adapter.tensors[$0] }
        } else {
            let checkpoint = try Checkpoint(path: folder)
            found = { try checkpoint.tensor(named: job.model.weightNames[$0] ?? $0) }
        }
        for parameter in job.parameters {
            let isHead = Objective.isFutureHead(parameter.name)
            guard let tensor = try isHead ? FutureHeads.tensor(parameter.name, in: folder) : found(parameter.name),
                tensor.shape.counts == parameter.shape.counts
            else {
                throw RunError(folder, "\(parameter.name) is missing or has another shape", next: "Was the run made with other settings?")
            }
            model.replacements[parameter.name] = try Tensor(parameter.shape, tensor.floats())
        }
        return model
    }

    private func check(_ adapter: PEFTAdapter, _ folder: String) throws(RunError) {
        for (module, rank) in adapter.lowRank.ranks where job.model.adapter?.ranks[module] != rank {
            let wanted = job.model.adapter?.ranks[module].map { "rank \($0)" } ?? "no adapter"
            throw RunError(folder, "\(module) has rank \(rank), the run wants \(wanted)", next: "Was the run made with other settings?")
        }
    }

    private func moments(in folder: String, step: Int) throws -> [String: [Moment]] {
        let file = try SafetensorsFile(path: "\(folder)/\(TrainerFiles.optimizer)")
        guard file.metadata.first(where: { $0.key == "step" })?.value == String(step) else {
            throw RunError(folder, "\(TrainerFiles.optimizer) is of another step", next: "The checkpoint is incomplete.")
        }
        let slots = UpdateRule(job.settings).slots
        var moments: [String: [Moment]] = [:]
        for parameter in job.parameters where step > 0 {
            moments[parameter.name] = try slots.map { try moment($0, parameter, file, folder) }
        }
        return moments
    }

    private func moment(_ slot: String, _ parameter: Parameter, _ file: SafetensorsFile, _ folder: String) throws -> Moment {
        let missing = RunError(
            folder, "\(slot):\(parameter.name) is missing or has another shape", next: "Was it made with other settings?")
        if let entry = file["\(slot):\(parameter.name)"] {
            guard entry.dimensions == parameter.shape.counts, entry.type == .f32 else { throw missing }
            return .exact(try numbers(Tensor(parameter.shape, file.tensor(entry).floats()), "\(slot):\(parameter.name)", folder))
        }
        let count = parameter.shape.elementCount
        guard let codes = file["\(slot).codes:\(parameter.name)"], let absmax = file["\(slot).absmax:\(parameter.name)"],
            codes.type == .u8, codes.dimensions == [count], absmax.dimensions == [(count + 255) / 256], absmax.type == .f32
        else { throw missing }
        let bytes = try Buffer(byteCount: count)
        bytes.writable.copyMemory(from: UnsafeRawBufferPointer(rebasing: file.tensor(codes).bytes[..<count]))
        let scales = try Tensor(Shape((.item, absmax.dimensions[0])), file.tensor(absmax).floats())
        return .blocks(
            BlockCodes(
                shape: parameter.shape, levels: slot == "adam.v" ? .unsigned : .signed, block: 256,
                codes: Tensor(shape: Shape((.item, count)), type: .u8, storage: .memory(bytes), offset: 0),
                absmax: try numbers(scales, "\(slot).absmax:\(parameter.name)", folder)))
    }

    private func numbers(_ tensor: Tensor, _ name: String, _ folder: String) throws(RunError) -> Tensor {
        if tensor.floats().contains(where: { !$0.isFinite }) {
            throw RunError(folder, "the optimizer's state contains NaN or Inf at \(name)", next: "Go on from an earlier checkpoint.")
        }
        return tensor
    }
}
