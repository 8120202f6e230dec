import Engine
import Models
import Screen
import Tensors

/// What an adapter does to the residual stream of a run and to each module, against the same run without it.
package struct AdapterEffect: Sendable, Hashable {
    package struct Layer: Sendable, Hashable {
        /// `emb` or `L3`.
        package let name: String
        /// ‖with − without‖ / ‖without‖ of the stream behind the layer, over all tokens.
        package let change: Double
    }

    package let layers: [Layer]
    /// Of each layer the modules' ‖s·B·A·x‖ / ‖W·x‖, NaN where a layer has no such module; nil where nothing stands beside the matrices.
    package let parts: PooledGrid?
    /// Names of its rows and columns.
    package let rows: [String]
    package let columns: [String]
}

/// Measures an adapter's effect. `passes` are those on the screen, `base` the same without the adapter.
struct AdapterReader {
    let passes: [Generation]
    let base: [Generation]
    let threads: Int

    func effect() throws -> AdapterEffect {
        guard let program = passes.last?.stepper.program else { throw PromptError(rule: "nothing runs yet") }
        let layers = try LogitLens.streams(program).compactMap { id -> AdapterEffect.Layer? in
            let name = program.values[id].name
            return try change(name).map { AdapterEffect.Layer(name: LayerPath(name).map { "L\($0.layer)" } ?? "emb", change: $0) }
        }
        let modules = program.steps.compactMap { step -> LayerPath? in
            step.op is AddScaled && step.inputs.count == 2 ? LayerPath(program.values[step.output].name) : nil
        }
        let columns = modules.map(\.rest).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let rows = Set(modules.map(\.layer)).sorted()
        var shares = [Float](repeating: .nan, count: rows.count * columns.count)
        for module in modules {
            guard let row = rows.firstIndex(of: module.layer), let column = columns.firstIndex(of: module.rest) else { continue }
            shares[row * columns.count + column] = Float(try share("\(module.prefix)\(module.layer).\(module.rest)") ?? .nan)
        }
        return AdapterEffect(
            layers: layers, parts: modules.isEmpty ? nil : grid(shares, rows.count, columns.count), rows: rows.map { "L\($0)" },
            columns: columns.map { $0.split(separator: ".").last.map(String.init) ?? $0 })
    }

    /// Modules without an adapter, or not computed yet, show nothing.
    private func grid(_ shares: [Float], _ rows: Int, _ columns: Int) -> PooledGrid {
        PooledGrid(
            rows: rows, columns: columns, values: shares.map { $0.isFinite ? $0 : 0 },
            flags: shares.map { $0.isNaN ? PooledGrid.masked : $0.isFinite ? PooledGrid.finite : PooledGrid.posInf }, sourceHeight: rows,
            sourceWidth: columns)
    }

    private func change(_ name: String) throws -> Double? {
        try ratio { pass, base in (try value(name, pass), try value(name, base)) }
    }

    private func share(_ module: String) throws -> Double? {
        try ratio { pass, _ in (try value(module, pass), try value("\(module).base_layer", pass)) }
    }

    private func value(_ name: String, _ pass: Generation) throws -> Tensor? {
        try pass.stepper.program.id(of: name).flatMap { try pass.stepper.tensor($0) }
    }

    /// ‖a − b‖ / ‖b‖ over all passes; nil where one has not been computed.
    private func ratio(_ pair: (Generation, Generation) throws -> (Tensor?, Tensor?)) throws -> Double? {
        var (difference, whole) = (0.0, 0.0)
        for (pass, base) in zip(passes, base) {
            guard case (let a?, let b?) = try pair(pass, base) else { return nil }
            difference += try Kernels.sumOfSquares(Kernels.addScaled(a, b, factor: -1, threads: threads), threads: threads)
            whole += try Kernels.sumOfSquares(b.contiguous(), threads: threads)
        }
        return whole > 0 ? (difference / whole).squareRoot() : difference > 0 ? .infinity : 0
    }
}
