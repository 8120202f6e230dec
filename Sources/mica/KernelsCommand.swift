import ArgumentParser
import Engine
import Models
import Screen
import StrictJSON
import Tensors

/// The ways in which ops can be computed.
struct KernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels", abstract: "List the kernels that --kernel and policies name, of all ops or of a model's.",
        discussion: """
            Every op has its formula (reference), the kernel that runs where nothing is said, and others that run by name: other orders of a sum, \
            other identities, several steps in one. A few compute another function; they say so.

            Example: mica kernels Samples/fables-llama
            """)

    @Argument(help: ArgumentHelp("A model folder; all ops if left out.", valueName: "model"))
    var path: String?
    @Flag(help: "Print one JSON array.")
    var json = false

    func run() throws {
        let ops = try path.map { try KernelList(Model(path: $0)) } ?? KernelList()
        if json { return Console.data("\(JSONValue.array(ops.entries.map(object)).lines)\n".utf8) }
        Console.print(ops.entries.map(text).joined(separator: "\n\n"))
    }

    private func text(_ entry: KernelList.Entry) -> String {
        let values = entry.values > 0 ? "  \(entry.values) values, first \(entry.first)" : ""
        return
            (["@\(entry.op.ruleName)\(values)"] + entry.kernels.map { lines($0, isStandard: $0.name == entry.standard) })
            .joined(separator: "\n")
    }

    private func lines(_ kernel: KernelList.Kernel, isStandard: Bool) -> String {
        let card = kernel.card
        let parts = [("order", card.order), ("rounding", card.rounding), ("fails", card.fails ?? ""), ("source", card.source)].filter {
            !$0.1.isEmpty
        }
        let head = Prose.wrap(card.sentence, width: 96).map { "      \($0.text)" }
        let rest = parts.flatMap { part in Prose.wrap("\(part.0): \(part.1)", width: 96).map { "      \($0.text)" } }
        return (["  \(kernel.name)\(isStandard ? " (runs where nothing is said)" : "")"] + head + rest).joined(separator: "\n")
    }

    private func object(_ entry: KernelList.Entry) -> JSONValue {
        .object([
            ("op", .string(entry.op.ruleName)), ("values", .integer(entry.values)), ("standard", .string(entry.standard)),
            (
                "kernels",
                .array(
                    entry.kernels.map { kernel in
                        .object([
                            ("name", .string(kernel.name)), ("sentence", .string(kernel.card.sentence)),
                            ("order", .string(kernel.card.order)),
                            ("rounding", .string(kernel.card.rounding)), ("fails", kernel.card.fails.map { .string($0) } ?? .null),
                            ("source", .string(kernel.card.source)), ("changes_meaning", .bool(kernel.changesMeaning)),
                        ])
                    })
            ),
        ])
    }
}

/// Ops with their kernels.
struct KernelList {
    struct Kernel {
        let name: String
        let card: KernelCard
        let changesMeaning: Bool
    }

    struct Entry {
        let op: OpCard
        /// How many values of the model it writes, and the first of them; none where no model was given.
        let values: Int
        let first: String
        let standard: String
        let kernels: [Kernel]
    }

    let entries: [Entry]

    /// Of the catalogue, whatever the ops' parameters.
    init() {
        entries = OpCatalogue.all.compactMap { type in
            guard let op = type.samples.first?.op else { return nil }
            let standard = op.kernels.first?.name ?? Engine.Kernel.reference
            return Entry(
                op: type.card, values: 0, first: "", standard: standard, kernels: KernelList.list(OpCatalogue.kernels(of: type), op))
        }
    }

    /// Of a model's program, in running order; what another step must come before is listed where it does.
    init(_ model: Model) throws {
        let program = try model.program(Pass(tokens: 2))
        var entries: [Entry] = []
        for step in program.steps where !entries.contains(where: { $0.op.name == step.op.card.name }) {
            let steps = program.steps.filter { $0.op.card.name == step.op.card.name }
            var kernels: [Engine.Kernel] = []
            for kernel in steps.flatMap({ program.kernels(of: $0) }) where !kernels.contains(where: { $0.name == kernel.name }) {
                kernels.append(kernel)
            }
            entries.append(
                Entry(
                    op: step.op.card, values: steps.count, first: program.values[step.output].name,
                    standard: step.op.kernels.first?.name ?? Engine.Kernel.reference, kernels: KernelList.list(kernels, step.op)))
        }
        self.entries = entries
    }

    private static func list(_ kernels: [Engine.Kernel], _ op: any Op) -> [Kernel] {
        kernels.compactMap { kernel in kernel.card.map { Kernel(name: kernel.name, card: $0, changesMeaning: kernel.meaning != nil) } }
            + [Kernel(name: Engine.Kernel.reference, card: .reference(op), changesMeaning: false)]
    }
}
