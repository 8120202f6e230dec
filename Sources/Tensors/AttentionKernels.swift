import CKernels

/// Which keys a query may see: those at or before its own position (causal), at most `window` of them.
package struct AttentionMask: Hashable, Sendable {
    /// Keys that came before the first query (they lie in the cache); an op takes it from its inputs.
    package private(set) var past: Int
    /// 0: no limit.
    package var window: Int
    package var causal: Bool
    /// How many keys behind its own position a query sees: 0, unless a model is to make that mistake.
    package var ahead = 0
    /// Whether ops get one input more, the first key that each query may see: texts packed into one row do not see each other.
    package var packed: Bool
    /// Of a packed pass, one a query.
    package private(set) var first: [Int32] = []

    package init(past: Int = 0, window: Int = 0, causal: Bool = true, packed: Bool = false) {
        self.past = past
        self.window = window
        self.causal = causal
        self.packed = packed
    }

    /// The mask of a pass: what is in the cache is what there are more keys than queries.
    package func pass(queries: Int, keys: Int, first: [Int32]? = nil) -> AttentionMask {
        var mask = self
        mask.past = max(keys - queries, 0) + ahead
        if let first, packed { mask.first = first }
        return mask
    }

    /// The visible keys of a query, of `keys` in all.
    package func range(query: Int, keys: Int) -> Range<Int> {
        let high = causal ? min(past + query + 1, keys) : keys
        var low = window > 0 ? max(0, past + query + 1 - window) : 0
        if query < first.count { low = max(low, Int(first[query])) }
        return min(low, high)..<high
    }

    /// What the kernels take; its pointers hold inside `body`.
    func withKernelMask(_ body: (ck_mask) -> Void) {
        first.withUnsafeBufferPointer { keys in
            body(
                ck_mask(
                    past: Int64(past), window: Int64(window), causal: causal ? 1 : 0, first: first.isEmpty ? nil : keys.baseAddress))
        }
    }
}

extension Kernels {
    /// [head, token, head_dim], however strided.
    static func heads(_ x: Tensor) -> ck_heads {
        ck_heads(base: pointer(x), head_stride: Int64(x.stride(0)), token_stride: Int64(x.stride(1)))
    }

    /// How the products of attention add up: in one chain of fused multiply-adds, or as TDPBF16PS does.
    package enum AttentionSums: Sendable { case chain, bf16Tiles }

    /// q [head, T, D], k [kv head, S, D] → [head, T, S], scaled, soft-capped, masked with −∞. With `partsOnly` what leads to a score is rounded and
    /// the score is not.
    package static func attentionScores(
        _ q: Tensor, _ k: Tensor, scale: Float, softcap: Float, mask: AttentionMask, sums: AttentionSums = .chain,
        rounding: NumberFormat? = nil, partsOnly: Bool = false, shape: Shape, threads: Int
    ) throws -> Tensor {
        let mask = mask.pass(queries: q.shape[1], keys: k.shape[1])
        return try withExtendedLifetime((q, k)) {
            try Tensor(shape) { out in
                guard let y = out.baseAddress, !out.isEmpty else { return }
                mask.withKernelMask { mask in
                    withKernelFormat(rounding, partsOnly: partsOnly) { format in
                        (sums == .chain ? ck_attention_scores_rounded : ck_attention_scores_tile)(
                            heads(q), heads(k), y, Int64(q.shape[0]), Int64(k.shape[0]), Int64(q.shape[1]), Int64(k.shape[1]),
                            Int64(q.shape[2]), scale, softcap, mask, format, Int32(threads))
                    }
                }
            }
        }
    }

    /// probs [head, T, S], v [kv head, S, D] → [T, head · D].
    package static func attentionContext(
        _ probs: Tensor, _ v: Tensor, mask: AttentionMask, sums: AttentionSums = .chain, rounding: NumberFormat? = nil, shape: Shape,
        threads: Int
    ) throws -> Tensor {
        let mask = mask.pass(queries: probs.shape[1], keys: probs.shape[2])
        return try withExtendedLifetime((probs, v)) {
            try Tensor(shape) { out in
                guard let y = out.baseAddress, !out.isEmpty else { return }
                mask.withKernelMask { mask in
                    withKernelFormat(rounding) { format in
                        (sums == .chain ? ck_attention_context : ck_attention_context_tile)(
                            pointer(probs), heads(v), format, y, Int64(probs.shape[0]), Int64(v.shape[0]), Int64(probs.shape[1]),
                            Int64(probs.shape[2]), Int64(v.shape[2]), mask, Int32(threads))
                    }
                }
            }
        }
    }

    /// The two products of bf16 tiles with the softmax between them, as they are one after the other, a block of queries at a time:
    /// q [head, T, D], k and v [kv head, S, D] → [T, head · D]. `scores` and `probs` are rounded to their formats; nil: not rounded.
    package static func attention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, scale: Float, softcap: Float, mask: AttentionMask, scores: NumberFormat?,
        probs: NumberFormat?, rounding: NumberFormat?, shape: Shape, threads: Int
    ) throws -> Tensor {
        let mask = mask.pass(queries: q.shape[1], keys: k.shape[1])
        return try produce(shape, keeping: [q, k, v]) { y in
            mask.withKernelMask { mask in
                withKernelFormat(scores) { scores in
                    withKernelFormat(probs) { probs in
                        withKernelFormat(rounding) { format in
                            ck_attention_tile(
                                heads(q), heads(k), heads(v), y, Int64(q.shape[0]), Int64(k.shape[0]), Int64(q.shape[1]),
                                Int64(k.shape[1]), Int64(q.shape[2]), scale, softcap, mask, scores, probs, format, Int32(threads))
                        }
                    }
                }
            }
        }
    }

    /// Along the last axis. With a mask, x is [head, T, S] and what lies outside becomes 0 without being read.
    package static func softmax(_ x: Tensor, mask: AttentionMask?, rounding: NumberFormat? = nil, threads: Int) throws -> Tensor {
        let x = try x.contiguous()
        return try withExtendedLifetime(x) {
            try Tensor(x.shape) { out in
                guard let y = out.baseAddress, !out.isEmpty else { return }
                let rows = Int64(x.shape.rowCount)
                let length = Int64(x.shape.rowLength)
                withKernelFormat(rounding) { format in
                    guard let mask = mask?.pass(queries: x.shape[1], keys: x.shape[2]) else {
                        return ck_softmax(pointer(x), format, y, rows, length, nil, rows, Int32(threads))
                    }
                    mask.withKernelMask { mask in
                        withUnsafePointer(to: mask) {
                            ck_softmax(pointer(x), format, y, rows, length, $0, Int64(x.shape[1]), Int32(threads))
                        }
                    }
                }
            }
        }
    }

    /// x [head, T, D], cos and sin [T, rotary / 2].
    package static func rope(_ x: Tensor, cos: Tensor, sin: Tensor, interleaved: Bool, rounding: NumberFormat? = nil, threads: Int)
        throws -> Tensor
    {
        try withExtendedLifetime((x, cos, sin)) {
            try Tensor(x.shape) { out in
                guard let y = out.baseAddress, !out.isEmpty else { return }
                withKernelFormat(rounding) { format in
                    ck_rope_rounded(
                        heads(x), pointer(cos), pointer(sin), format, y, Int64(x.shape[0]), Int64(x.shape[1]), Int64(x.shape[2]),
                        Int64(cos.shape[1] * 2), interleaved ? 1 : 0, Int32(threads))
                }
            }
        }
    }

    /// logits [T, vocabulary], targets [T] (negative: masked) → the loss of each token [T], in nats.
    package static func crossEntropy(_ logits: Tensor, targets: Tensor, shape: Shape, threads: Int) throws -> Tensor {
        let logits = try logits.contiguous()
        return try withExtendedLifetime((logits, targets)) {
            try Tensor(shape) { out in
                guard let y = out.baseAddress, !out.isEmpty else { return }
                ck_cross_entropy(
                    pointer(logits), targets.bytes.baseAddress?.assumingMemoryBound(to: Int32.self), y, Int64(logits.shape.rowCount),
                    Int64(logits.shape.rowLength), Int32(threads))
            }
        }
    }

    /// x [T, H], weight [V, H], targets [T] → [T, H + 1]: of each token dl/dx, then its loss l in nats, without keeping the logits.
    package static func headLoss(_ x: Tensor, _ weight: Tensor, targets: Tensor, shape: Shape, threads: Int) throws -> Tensor {
        let (x, weight) = (try x.contiguous(), try weight.unpacked())
        return try withExtendedLifetime((x, weight, targets)) {
            try Tensor(shape) { out in
                guard let y = out.baseAddress, !out.isEmpty else { return }
                ck_head_loss(
                    pointer(x), weight.bytes.baseAddress, weight.type.kernelType, Int64(weight.stride(0)),
                    targets.bytes.baseAddress?.assumingMemoryBound(to: Int32.self), y, Int64(x.shape.rowCount), Int64(x.shape.rowLength),
                    Int64(weight.shape[0]), Int32(threads))
            }
        }
    }
}
