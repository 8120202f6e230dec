import CKernels

/// The fast kernels of the reverse walk through attention and the loss. Masks are those of the forward ops; hidden keys add nothing.
extension Kernels {
    /// A view of dC [T, head · D] as [head, T, D].
    private static func split(_ context: Tensor, heads: Int) -> Tensor {
        let width = context.shape.rowLength / max(heads, 1)
        let shape = Shape([Axis(.head, heads), context.shape.axes[0], Axis(.feature, width)])
        return context.view(shape, strides: [width, context.stride(0), 1])
    }

    /// dC [T, head · D], v [kv head, S, D] → dP[h,i,j] = Σ_d dC[i, h·D + d] · v[j,d], hidden keys too [head, T, S].
    package static func probabilitiesGradient(
        _ dC: Tensor, v: Tensor, sums: AttentionSums = .chain, rounding: NumberFormat?, shape: Shape, threads: Int
    ) throws -> Tensor {
        let dC = try dC.contiguous()
        return try attentionScores(
            split(dC, heads: shape[0]), v, scale: 1, softcap: 0, mask: AttentionMask(causal: false), sums: sums, rounding: rounding,
            shape: shape, threads: threads)
    }

    /// dV[kv,j,d] = Σ p[h,i,j] · dC[i, h·D + d] over the heads of the group and the queries [kv head, S, D].
    package static func valuesGradient(
        _ dC: Tensor, probs: Tensor, mask: AttentionMask, shape: Shape, threads: Int
    ) throws -> Tensor {
        let dC = try dC.contiguous()
        return try overQueries(probs, split(dC, heads: probs.shape[0]), scale: 1, mask: mask, shape: shape, threads: threads)
    }

    /// dQ[h,i,d] = scale · Σⱼ dS[h,i,j] · k[j,d] [head, T, D].
    package static func queriesGradient(
        _ dS: Tensor, k: Tensor, scale: Float, mask: AttentionMask, shape: Shape, threads: Int
    ) throws -> Tensor {
        let dS = try dS.contiguous()
        let mask = mask.pass(queries: dS.shape[1], keys: dS.shape[2])
        return try produce(shape, keeping: [dS, k]) { out in
            mask.withKernelMask { mask in
                ck_attention_queries_gradient(
                    pointer(dS), heads(k), out, Int64(dS.shape[0]), Int64(k.shape[0]), Int64(dS.shape[1]), Int64(dS.shape[2]),
                    Int64(k.shape[2]), scale, mask, Int32(threads))
            }
        }
    }

    /// dK[kv,j,d] = scale · Σ dS[h,i,j] · q[h,i,d] over the heads of the group and the queries [kv head, S, D].
    package static func keysGradient(
        _ dS: Tensor, q: Tensor, scale: Float, mask: AttentionMask, shape: Shape, threads: Int
    ) throws -> Tensor { try overQueries(dS, q, scale: scale, mask: mask, shape: shape, threads: threads) }

    private static func overQueries(
        _ p: Tensor, _ x: Tensor, scale: Float, mask: AttentionMask, shape: Shape, threads: Int
    ) throws -> Tensor {
        let p = try p.contiguous()
        let mask = mask.pass(queries: p.shape[1], keys: p.shape[2])
        return try produce(shape, keeping: [p, x]) { out in
            mask.withKernelMask { mask in
                ck_attention_keys_gradient(
                    pointer(p), heads(x), out, Int64(p.shape[0]), Int64(shape[0]), Int64(p.shape[1]), Int64(p.shape[2]), Int64(shape[2]),
                    scale, mask, Int32(threads))
            }
        }
    }

    /// dS before the cap: dS · (1 − (s/cap)²), where s is the stored, capped score, or dS · (1 − tanh²(s/cap)) where it is not capped yet; 0
    /// where s is −∞.
    package static func softcapGradient(
        _ dS: Tensor, scores: Tensor, isCapped: Bool = true, cap: Float, rounding: NumberFormat? = nil, threads: Int
    ) throws -> Tensor {
        let (dS, scores) = (try dS.contiguous(), try scores.contiguous())
        return try produce(dS.shape, keeping: [dS, scores]) { out in
            withKernelFormat(rounding) {
                ck_softcap_gradient(pointer(dS), pointer(scores), cap, isCapped ? 1 : 0, $0, out, Int64(dS.elementCount), Int32(threads))
            }
        }
    }

    /// What `make` gives for every query head, [head, S, D], rounded as autograd keeps it and then added up over the heads that share a
    /// key head, [kv head, S, D]; without a format `make` adds up itself.
    package static func overGroups(
        heads: Int, shape: Shape, rounding: NumberFormat?, threads: Int, make: (Shape) throws -> Tensor
    ) throws -> Tensor {
        let shared = shape[0]
        guard let rounding, heads > shared, shared > 0 else { return try make(shape) }
        let each = try rounding.rounded(fresh: make(Shape([Axis(.head, heads)] + shape.axes.dropFirst())), threads: threads)
        let (group, size) = (heads / shared, shape[1] * shape[2])
        let terms = (0..<group).map { each.view(shape, strides: [group * size, shape[2], 1], offset: $0 * size) }
        return try sum(terms, shape: shape, threads: threads)
    }

    /// P∘(dP − Σ P∘dP) along the last axis. With a mask, P is [head, T, S] and what lies outside becomes 0 without being read.
    package static func softmaxGradient(
        _ p: Tensor, _ dP: Tensor, mask: AttentionMask?, rounding: NumberFormat? = nil, threads: Int
    ) throws -> Tensor {
        let (p, dP) = (try p.contiguous(), try dP.contiguous())
        let (rows, length) = (Int64(p.shape.rowCount), Int64(p.shape.rowLength))
        return try produce(p.shape, keeping: [p, dP]) { out in
            withKernelFormat(rounding) { format in
                guard let mask = mask?.pass(queries: p.shape[1], keys: p.shape[2]) else {
                    return ck_softmax_gradient(pointer(p), pointer(dP), format, out, rows, length, nil, rows, Int32(threads))
                }
                mask.withKernelMask { mask in
                    var mask = mask
                    ck_softmax_gradient(pointer(p), pointer(dP), format, out, rows, length, &mask, Int64(p.shape[1]), Int32(threads))
                }
            }
        }
    }

    /// logits [T, vocabulary], targets [T], the gradient of each token's loss [T] → (softmax − one-hot) · dL; masked tokens 0.
    package static func crossEntropyGradient(
        _ logits: Tensor, targets: Tensor, dL: Tensor, rounding: NumberFormat? = nil, threads: Int
    ) throws -> Tensor {
        let (logits, dL) = (try logits.contiguous(), try dL.contiguous())
        return try produce(logits.shape, keeping: [logits, targets, dL]) { out in
            withKernelFormat(rounding) {
                ck_cross_entropy_gradient(
                    pointer(logits), ids(targets), pointer(dL), $0, out, Int64(logits.shape.rowCount), Int64(logits.shape.rowLength),
                    Int32(threads))
            }
        }
    }

    /// dY [head, T, D] turned back by cos and sin [T, rotary / 2].
    package static func ropeGradient(
        _ dY: Tensor, cos: Tensor, sin: Tensor, interleaved: Bool, rounding: NumberFormat? = nil, threads: Int
    ) throws -> Tensor {
        try produce(dY.shape, keeping: [dY, cos, sin]) { out in
            withKernelFormat(rounding) { format in
                ck_rope_gradient(
                    heads(dY), pointer(cos), pointer(sin), format, out, Int64(dY.shape[0]), Int64(dY.shape[1]), Int64(dY.shape[2]),
                    Int64(cos.shape[1] * 2), interleaved ? 1 : 0, Int32(threads))
            }
        }
    }

    /// dY [head, T, D] as the features from `offset` on of [T, features]; the other features are 0.
    package static func joinHeads(_ dY: Tensor, offset: Int, shape: Shape, threads: Int) throws -> Tensor {
        let width = dY.shape[2]
        let features = shape.rowLength
        return try produce(shape, keeping: [dY]) { out in
            if dY.shape[0] * width < features { out.update(repeating: 0, count: shape.elementCount) }
            ck_join_heads(
                heads(dY), out + offset, Int64(width), Int64(features), Int64(dY.shape[0]), Int64(dY.shape[1]), Int64(width),
                Int32(threads))
        }
    }
}
