import Engine
import Tensors

extension Model {
    /// The model with its adapter added into the matrices, W + s·B·A in fp32, and no adapter beside them.
    package func merged(threads: Int) throws -> Model {
        guard let adapter else { return self }
        let program = try program(Pass(tokens: 2))
        var merged = self
        merged.adapter = nil
        merged.replacements = replacements.filter { !$0.key.contains(".lora_") }
        for step in program.steps {
            guard let linear = step.op as? Linear, let module = program.values[step.output].name.moduleBesideAdapter else { continue }
            let name = program.values[step.inputs[1]].name
            let a = try weight("\(module).lora_A.weight").contiguous()
            let b = try weight("\(module).lora_B.weight").contiguous()
            let whole = try weight(name).contiguous()
            // [output, input] is B·A; a matrix stored the other way round takes Aᵀ·Bᵀ.
            let delta = try Kernels.matmul(
                linear.transposed ? a.transposed() : b, linear.transposed ? b : a, bias: nil, transposed: !linear.transposed,
                shape: whole.shape, threads: threads)
            merged.replacements[name] = try Kernels.addScaled(whole, delta, factor: Float(adapter.scale(module)), threads: threads)
        }
        return merged
    }
}

extension String {
    /// `x.q_proj.base_layer` → `x.q_proj`
    fileprivate var moduleBesideAdapter: String? { hasSuffix(".base_layer") ? String(dropLast(11)) : nil }
}

extension Tensor {
    /// A matrix with its axes exchanged.
    fileprivate func transposed() throws -> Tensor {
        let (rows, columns) = (shape[0], shape[1])
        let values = floats()
        return try Tensor(Shape([shape.axes[1], shape.axes[0]])) { out in
            for i in 0..<columns { for j in 0..<rows { out[i * rows + j] = values[j * columns + i] } }
        }
    }
}
