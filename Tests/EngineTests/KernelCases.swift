import Engine
import Tensors

/// Ops on many shapes: one row, one column, odd sizes, long sums, every mask.
enum KernelCases {
    /// The catalogue's samples and these.
    static let all: [SampleCase] =
        SampleCase.all + fused
        + (products + attention + rows + elements + capped + blockwise).enumerated().map { SampleCase(sample: $1, number: 100 + $0) }

    private static let fused = OpCatalogue.fused.flatMap { type in type.samples.enumerated().map { SampleCase(sample: $1, number: $0) } }

    private static func rows(_ rows: Int, _ length: Int, _ axis: Axis.Name = .feature) -> Shape { Shape((.token, rows), (axis, length)) }

    private static let products = [(1, 1, 1), (1, 37, 5), (3, 1, 7), (5, 33, 1), (17, 65, 66), (2, 4096, 3)].flatMap { t, k, n in
        [false, true].map { transposed in
            OpSample(
                Linear(output: Axis(.feature, n), transposed: transposed), .normal(rows(t, k)),
                .normal(transposed ? Shape((.input, k), (.output, n)) : Shape((.output, n), (.input, k))), .normal(Shape((.output, n))))
        }
    }

    /// Heads, kv heads, queries, keys, head_dim, mask.
    private static let attentions: [(Int, Int, Int, Int, Int, AttentionMask)] = [
        (1, 1, 1, 1, 1, AttentionMask()), (3, 1, 1, 70, 5, AttentionMask()), (2, 2, 9, 9, 33, AttentionMask()),
        (4, 2, 5, 133, 17, AttentionMask(window: 7)), (2, 1, 67, 67, 8, AttentionMask(window: 65)),
        (2, 1, 6, 11, 4, AttentionMask(causal: false)),
    ]

    private static let attention = attentions.flatMap { heads, kv, queries, keys, width, mask in
        let q = OpSample.Input.normal(Shape((.head, heads), (.token, queries), (.feature, width)))
        let k = OpSample.Input.normal(Shape((.head, kv), (.token, keys), (.feature, width)))
        let scores = Shape((.head, heads), (.query, queries), (.key, keys))
        return [
            OpSample(AttentionScores(scale: 0.37, mask: mask), q, k),
            OpSample(AttentionScores(scale: 0.37, softcap: 5, mask: mask), q, k),
            OpSample(FusedAttention(AttentionScores(scale: 0.37, mask: mask)), q, k, k),
            OpSample(FusedAttention(AttentionScores(scale: 0.37, softcap: 5, mask: mask)), q, k, k),
            OpSample(Softmax(mask: mask, upcasts: queries > 1), .scores(scores, mask.pass(queries: queries, keys: keys))),
            OpSample(AttentionContext(mask: mask), .probabilities(scores), k),
            OpSample(
                Rope(), q, .normal(Shape((.token, queries), (.pair, width / 2))), .normal(Shape((.token, queries), (.pair, width / 2)))),
            OpSample(
                Rope(interleaved: true), q, .normal(Shape((.token, queries), (.pair, width / 2))),
                .normal(Shape((.token, queries), (.pair, width / 2)))),
        ]
    }

    /// A cap that no narrow format holds, where hidden keys have it: who rounds it is seen.
    private static let capped: [OpSample] = [
        OpSample(
            AttentionScores(scale: 0.37, softcap: 5.3, mask: AttentionMask(window: 7), capsHidden: true),
            .normal(Shape((.head, 2), (.token, 9), (.feature, 33))), .normal(Shape((.head, 2), (.token, 9), (.feature, 33))))
    ]

    private static let blockwise = attentions.flatMap { heads, kv, queries, keys, width, mask in
        let q = OpSample.Input.normal(Shape((.head, heads), (.token, queries), (.feature, width)))
        let k = OpSample.Input.normal(Shape((.head, kv), (.token, keys), (.feature, width)))
        return [
            OpSample(BlockwiseAttention(AttentionScores(scale: 0.37, mask: mask), formats: (.bf16, .bf16)), q, k, k),
            OpSample(BlockwiseAttention(AttentionScores(scale: 0.37, softcap: 5, mask: mask), formats: (.fp16, nil)), q, k, k),
        ]
    }

    private static let rows: [OpSample] =
        [(1, 1), (3, 1), (1, 257), (5, 33), (2, 4096)].flatMap { t, n -> [OpSample] in
            let (x, w) = (OpSample.Input.normal(rows(t, n)), OpSample.Input.normal(Shape((.feature, n))))
            return [
                OpSample(RMSNorm(epsilon: 1e-5), x, w), OpSample(RMSNorm(epsilon: 1e-6, plusOne: true, castsFirst: false), x, w),
                OpSample(AddNorm(RMSNorm(epsilon: 1e-5)), x, x, w), OpSample(LayerNorm(epsilon: 1e-5), x, w, w),
                OpSample(LayerNorm(epsilon: 1e-5, centres: false), x, w, w), OpSample(Softmax(), .normal(rows(t, n, .vocabulary))),
                OpSample(CrossEntropy(), .normal(rows(t, n, .vocabulary)), .ids(t, below: n)),
                OpSample(Embedding(), .ids(t, below: 9), .normal(Shape((.vocabulary, 9), (.feature, n)))),
                OpSample(HeadLoss(), .normal(rows(t, 7)), .normal(Shape((.vocabulary, n), (.feature, 7))), .ids(t, below: n)),
                OpSample(Mean(), .normal(Shape((.token, n))), .ids(n, below: 9)), OpSample(LossColumn(), x),
                OpSample(Reduce(.sum), x), OpSample(Reduce(.mean), x), OpSample(Reduce(.max), x), OpSample(RunningSum(), w, w),
            ]
        } + [OpSample(CrossEntropy(), .normal(rows(2, 70001, .vocabulary)), .ids(2, below: 70001))]

    private static let elements: [OpSample] =
        [(1, 1), (3, 1), (1, 33), (7, 129)].flatMap { t, n -> [OpSample] in
            let x = OpSample.Input.normal(rows(t, n))
            return ElementFunction.allCases.map { OpSample(Activation($0), x) }
                + [ElementFunction.silu, .geluTanh, .geluErf].map { OpSample(GatedProduct(Activation($0)), x, x) }
                + [
                    OpSample(Multiply(), x, x), OpSample(Add(), x, x), OpSample(AddScaled(scale: 1.7), x, x), OpSample(Scale(13.856), x),
                    OpSample(SoftCap(2), x), OpSample(Sum(), x, x, x, x), OpSample(HeadView(heads: 1, headDimension: n), x),
                ]
        } + [64, 128, 256].map { OpSample(RopeFrequencies(base: 1e6, dimensions: $0)) }
        + [RopeTable.Function.cos, .sin].map { OpSample(RopeTable($0), .probabilities(Shape((.pair, 9))), .ids(33, below: 8192)) }
}
