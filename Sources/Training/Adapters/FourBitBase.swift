import Engine
import Models

/// The frozen matrices as NF4 holds them: see `NF4Codes`.
package enum FourBitBase {
    /// Every matrix of the blocks; embeddings, head and norms stay as they are.
    static func pack(_ model: inout Model, threads: Int) throws {
        let program = try model.program(Pass(tokens: 2))
        for step in program.steps where step.op is Linear {
            let value = program.values[step.inputs[1]]
            guard value.layer != nil, model.replacements[value.name] == nil else { continue }
            let weight = try model.weight(value.name)
            model.replacements[value.name] = try weight.inNF4(threads: threads)
            weight.releasePages()
        }
    }
}
