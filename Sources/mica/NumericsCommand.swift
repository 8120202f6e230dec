import ArgumentParser
import Engine
import Models
import Screen
import StrictJSON
import Workbench

/// Every value in its format: how near it comes to the ends, and where the first NaN or infinity came from.
struct NumericsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "numerics", abstract: "Print how every value of one pass fits its format, and explain the first NaN or Inf.",
        discussion: """
            bits: between the largest magnitude and the format's limit. ulp: the step between neighbours at the value's rms. subnormal, zero: \
            shares in percent. error: ‖x − x₆₄‖ / ‖x₆₄‖ against the same run in fp64, with nothing rounded between. growth: the rms against the same value of the layer before.

            Example: mica numerics Samples/fables-llama --prompt "Tom and Mia" --precision fp16 --names "*.mlp*"
            """)

    @OptionGroup var source: ModelOptions
    @OptionGroup var what: EditOptions
    @Flag(help: "Also the gradients of the loss, under grad:NAME.")
    var backward = false
    @Flag(inversion: .prefixedNo, help: "Measure errors against the same run in fp64; it takes a run more, and its memory.")
    var errors = true
    @OptionGroup var listing: ListingOptions

    func run() throws {
        let policy = try source.policy
        let (model, ids) = try source.load()
        Interrupt.watch()
        if backward { try LossTokens.check(ids) }
        var stepper = try model.stepper(
            ids: ids, leaves: backward ? { $0.role == .weight } : nil, edits: what.load(for: model, policy: policy), policy: policy,
            keep: .all(budget: .max))
        try stepper.runVisibly("running")
        let far = errors ? try OraclePasses(of: [stepper]) { Interrupt.isPending }?.errors(of: stepper) : nil
        try Interrupt.check()
        let rows = try listing.rows(stepper.program) { _, id in
            stepper.numerics(of: id).map { known in
                NumericsRow(known: known, error: far?[id].flatMap { $0.isNaN ? nil : $0 })
            }
        }
        let found = try stepper.firstNonFinite.flatMap { try stepper.nonFinite(in: $0) }
        output(rows, ids, found.map { NonFiniteReport(found: $0, program: stepper.program) })
    }

    private func output(_ rows: [NumericsRow], _ ids: [Int], _ report: NonFiniteReport?) {
        if listing.json {
            let object = JSONValue.object([
                ("input_ids", .array(ids.map { .integer($0) })), ("values", .array(rows.map(\.json))),
                ("first_non_finite", report?.json ?? .null),
            ])
            return Console.data("\(object.lines)\n".utf8)
        }
        if listing.tsv {
            let lines = ([NumericsRow.columns] + rows.map(\.exact)).map { $0.joined(separator: "\t") + "\n" }
            Console.data(lines.joined().utf8)
            return Console.note(report?.lines.joined(separator: "\n") ?? "every number is finite")
        }
        var table = TextTable(header: NumericsRow.columns, rightAligned: Set(3..<NumericsRow.columns.count))
        for row in rows { table.add(row.compact) }
        Console.print(table.text)
        Console.print("\n" + (report?.lines.joined(separator: "\n") ?? "every number is finite"))
    }
}

/// What `mica numerics` says of one value.
struct NumericsRow {
    let known: ValueNumerics
    let error: Double?

    static let columns = [
        "name", "format", "kernel", "absmax", "bits", "ulp", "subnormal", "zero", "NaN", "+Inf", "-Inf", "error", "growth",
    ]

    /// Three digits, for reading.
    var compact: [String] {
        cells {
            Numbers.compact($0)
        } share: {
            NumericsWords.percent($0)
        }
    }

    /// Every digit.
    var exact: [String] {
        cells {
            Numbers.exact($0)
        } share: {
            Numbers.exact($0 * 100)
        }
    }

    private func cells(_ number: (Double) -> String, share: (Double) -> String) -> [String] {
        let s = known.statistics
        let size = [s.finite > 0 ? Double(s.absMax) : nil, known.headroom, known.ulp].map { $0.map(number) ?? "" }
        let head = [known.value.name, "\(known.format)", known.kernel] + size
        let counts = [s.nan, s.positiveInfinity, s.negativeInfinity].map(String.init)
        return head + [share(known.subnormalShare), share(known.zeroShare)] + counts + [error, known.growth].map { $0.map(number) ?? "" }
    }

    var json: JSONValue {
        let s = known.statistics
        func number(_ x: Double?) -> JSONValue { x.map { .real($0) } ?? .null }
        return .object([
            ("name", .string(known.value.name)), ("format", .string("\(known.format)")), ("kernel", .string(known.kernel)),
            ("absmax", .real(Double(s.absMax))), ("headroom_bits", number(known.headroom)), ("ulp_at_rms", number(known.ulp)),
            ("subnormal_share", .real(known.subnormalShare)), ("zero_share", .real(known.zeroShare)), ("nan", .integer(s.nan)),
            ("positive_infinity", .integer(s.positiveInfinity)), ("negative_infinity", .integer(s.negativeInfinity)),
            ("error", number(error)), ("growth", number(known.growth)),
        ])
    }
}

/// The first value that is not finite, explained.
struct NonFiniteReport {
    let found: NonFinite
    let program: Program

    var lines: [String] {
        let why = [NonFiniteWords.cause(found, program), NonFiniteWords.terms(found)].compactMap { $0 }
        let sources = NonFiniteWords.sources(found, program).map { "  reads \($0)" }
        return ["first: \(NonFiniteWords.place(found, program, short: false))"] + why.map { "  \($0)" } + [
            "  \(NonFiniteWords.spread(found))"
        ] + sources
    }

    var json: JSONValue {
        .object([
            ("name", .string(program.values[found.value].name)), ("index", .array(found.index.map { .integer($0) })),
            ("number", .string(Numbers.compact(found.number))), ("count", .integer(found.count)),
            ("elements", .integer(found.elements)), ("cause", .string(NonFiniteWords.cause(found, program))),
            ("terms", NonFiniteWords.terms(found).map { .string($0) } ?? .null),
            ("sources", .array(found.sources.map(source))), ("spread", .integer(found.spread)), ("later", .integer(found.later)),
        ])
    }

    private func source(_ source: Lineage.Source) -> JSONValue {
        .object([
            ("name", .string(program.values[source.value].name)), ("index", .array(source.index.map { .integer($0) })),
            ("number", .string(Numbers.exact(source.number))), ("weight", .string(Numbers.exact(source.weight))),
        ])
    }
}
