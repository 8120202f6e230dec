import ArgumentParser
import Engine
import Models
import Screen

/// The model's gradients against central differences.
struct GradcheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gradcheck", abstract: "Hold the model's gradients against central differences in fp64.",
        discussion: """
            Of every parameter, or of every value that fits --names, the element with the largest gradient and others drawn at random: dL/dx \
            by the fp32 walk, by the fp64 walk of the ops' formulas, and measured, (L(x+h) - L(x-h)) / 2h. Exit code 1 if one does not agree.

            Example: mica gradcheck Samples/fables-llama --prompt "Tom and Mia" --names "layers.0.*"
            """)

    @OptionGroup var source: ModelOptions
    @Option(help: ArgumentHelp("Values whose name has this part, or fits this pattern (* and ?); activations too.", valueName: "pattern"))
    var names: String?
    @Option(help: ArgumentHelp("How many elements of each value.", valueName: "n"))
    var samples = 2
    @Option(help: ArgumentHelp("Chooses the elements.", valueName: "n"))
    var seed: UInt64 = 1

    func validate() throws {
        if !(1...1000).contains(samples) { throw ValidationError("--samples must be 1 to 1000.") }
    }

    func run() throws {
        let (model, ids) = try source.load()
        try LossTokens.check(ids)
        Interrupt.watch()
        var walk = try model.stepper(ids: ids, leaves: { $0.role == .weight }, policy: try source.policy, keep: .all(budget: .max))
        let wanted = try values(walk.program)
        try walk.runVisibly("walking")
        guard let checker = try exact(walk) else { throw Failure("\(model.path) has no loss to walk back from") }
        let checks = try check(wanted, checker)
        Console.print(Self.table(checks, walk.program))
        let failures = checks.count { !$0.passes }
        Console.print("\n\(checks.count) elements of \(wanted.count) values: \(checks.count - failures) agree, \(failures) do not")
        if failures > 0 { throw ExitCode(1) }
    }

    private func values(_ program: Program) throws -> [Int] {
        let pattern = names.map { NamePattern($0) }
        let wanted = program.values.indices.filter { id in
            let value = program.values[id]
            guard program.gradient(of: id) != nil, value.role != .gradient else { return false }
            return pattern.map { ([value.name] + value.aliases).contains(where: $0.matches) } ?? (value.role == .weight)
        }
        if wanted.isEmpty { throw Failure("no value with a gradient has a name that fits \(names ?? "")") }
        return wanted
    }

    private func exact(_ walk: Stepper) throws -> GradientChecker? {
        var progress = Progress("in fp64", total: walk.program.steps.count)
        defer { progress.finish() }
        return try GradientChecker(walk) { number in
            try Interrupt.check()
            progress.update(number)
        }
    }

    private func check(_ wanted: [Int], _ checker: GradientChecker) throws -> [GradientCheck] {
        var random = SplitMix64(state: seed)
        var progress = Progress("measuring", total: wanted.count)
        defer { progress.finish() }
        var checks: [GradientCheck] = []
        for (number, id) in wanted.enumerated() {
            for position in checker.elements(of: id, count: samples, random: &random) {
                try Interrupt.check()
                if let check = try checker.check(id, at: position) { checks.append(check) }
            }
            progress.update(number + 1)
        }
        return checks
    }

    private static func table(_ checks: [GradientCheck], _ program: Program) -> String {
        var table = TextTable(
            header: ["name", "element", "fp32 walk", "fp64 walk", "measured", "relative error", ""], rightAligned: [2, 3, 4, 5])
        for check in checks {
            let numbers = [check.single, check.double, check.quotient].map { Numbers.compact($0, digits: 8) }
            table.add(
                [program.values[check.value].name, check.index.map(String.init).joined(separator: ",")] + numbers + [
                    Numbers.compact(check.relativeError), check.passes ? "ok" : "FAIL",
                ])
        }
        return table.text
    }
}
