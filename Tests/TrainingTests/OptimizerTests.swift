import Engine
import Foundation
import Tensors
import Testing

@testable import Training

/// Updates against torch.optim 2.15, and the codes of 8-bit moments and 4-bit weights.
struct OptimizerTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let settings: [String: String]
        /// The weight after each of two steps.
        let expected: [[Float]]
        var testDescription: String { settings["optimizer"] ?? "" }
    }

    static let start: [Float] = [0.5, -1.25, 2.0, 0.03125]
    static let gradients: [[Float]] = [[0.1, -0.2, 3.0, 0.0], [-0.05, 0.4, 1e-4, 1.0]]

    /// w = torch.nn.Parameter(torch.tensor(start)); opt = AdamW([w], lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1), then
    /// SGD([w], lr=0.01, momentum=0.9, weight_decay=0.1), then SGD([w], lr=0.01); for g in gradients: w.grad = g; opt.step(); print(w)
    static let cases = [
        Case(
            settings: ["optimizer": "adamw", "beta1": "0.9", "beta2": "0.95", "eps": "1e-8", "weight-decay": "0.1"],
            expected: [
                [0.4895000159740448, -1.2387499809265137, 1.9880000352859497, 0.031218750402331352],
                [0.48632681369781494, -1.2411450147628784, 1.9792253971099854, 0.02383793331682682],
            ]),
        Case(
            settings: ["optimizer": "sgd", "momentum": "0.9", "weight-decay": "0.1"],
            expected: [
                [0.4984999895095825, -1.246749997138977, 1.968000054359436, 0.031218750402331352],
                [0.4971514940261841, -1.2465782165527344, 1.9372310638427734, 0.021159406751394272],
            ]),
        Case(
            settings: ["optimizer": "sgd"],
            expected: [
                [0.49900001287460327, -1.2480000257492065, 1.9700000286102295, 0.03125],
                [0.49950000643730164, -1.2519999742507935, 1.969999074935913, 0.021250000223517418],
            ]),
    ]

    @Test(arguments: cases) func updatesEqualTorch(_ test: Case) throws {
        let steps = try OptimizerTests.steps(test.settings, from: OptimizerTests.start, OptimizerTests.gradients)
        for (step, expected) in zip(steps, test.expected) {
            for (a, b) in zip(step[0], expected) { #expect(abs(a - b) <= 4 * b.ulp, "\(a) \(b)") }
        }
    }

    /// Of each step the weight, then what the rule keeps of it.
    private static func steps(_ settings: [String: String], from start: [Float], _ gradients: [[Float]]) throws -> [[[Float]]] {
        let rule = UpdateRule(try TrainingSettings(settings))
        let shape = Shape((.feature, start.count))
        var weight = try Tensor(shape, start)
        var moments = try rule.slots.map { _ in try Tensor(shape) { $0.update(repeating: 0) } }
        return try gradients.enumerated().map { number, gradient in
            let program = try rule.program("w", shape, rate: 0.01, step: number + 1, clip: 1)
            var given = ["w": weight, "grad:w": try Tensor(shape, gradient)]
            for (slot, moment) in zip(rule.slots, moments) { given["\(slot).before:w"] = moment }
            let bindings = Dictionary(uniqueKeysWithValues: given.compactMap { name, tensor in program.id(of: name).map { ($0, tensor) } })
            var stepper = try Stepper(program, policy: Policy(), keep: .all(budget: .max), bindings: bindings)
            while !stepper.isFinished { try stepper.step() }
            func value(_ name: String) throws -> Tensor {
                let id = try #require(program.id(of: name))
                return try #require(try stepper.tensor(id))
            }
            weight = try value("new:w")
            moments = try rule.slots.map { try value("\($0):w") }
            return [weight.floats()] + moments.map { $0.floats() }
        }
    }

    /// Weights, m and v after three steps of torch.optim.AdamW (Golden/make_updates.py, torch 2.15), by β₁, β₂ and decay: every bit.
    @Test(arguments: [
        (
            "0.9", "0.999", "0",
            [
                [0x3e99_d953, 0x3eaa_ab3a, 0x3f92_712e, 0xbfb0_f464, 0xbfdc_eaf3, 0x3f12_caf3, 0x3f1e_d719, 0xbf0e_9632],
                [0x3b3c_a9dc, 0xbca1_fe1e, 0xbcc3_84c1, 0x3c6f_07f2, 0x3ce0_f11c, 0x3c90_c403, 0xbb32_e0cd, 0xbc86_ddfb],
                [0x3732_cb3f, 0x37d1_783a, 0x3808_8230, 0x3715_9827, 0x3801_5f5e, 0x3847_4f58, 0x3611_ce83, 0x377f_4e25],
            ] as [[UInt32]]
        ),
        (
            "0.9", "0.95", "0.1",
            [
                [0x3e99_6289, 0x3eaa_4828, 0x3f91_ff3e, 0xbfb0_6d02, 0xbfdc_4164, 0x3f12_60d3, 0x3f1e_58d6, 0xbf0e_32d0],
                [0x3b3c_a9dc, 0xbca1_fe1e, 0xbcc3_84c1, 0x3c6f_07f2, 0x3ce0_f11c, 0x3c90_c403, 0xbb32_e0cd, 0xbc86_ddfb],
                [0x3a06_1ecc, 0x3a97_cdbc, 0x3acb_3fd7, 0x39de_aeb9, 0x3ac2_c817, 0x3b19_71bb, 0x38d9_bd9a, 0x3a46_164e],
            ]
        ),
        (
            "0.3", "0.999", "0.1",
            [
                [0x3e9c_c7f9, 0x3ea8_3667, 0x3f92_344a, 0xbfb0_811e, 0xbfdc_6bfe, 0x3f0f_7974, 0x3f1e_231c, 0xbf0c_dd80],
                [0xbcfc_25da, 0xbd85_4e51, 0xbd9b_4ad9, 0x3d50_34af, 0x3de2_b101, 0x3e12_f770, 0x3a7c_19b7, 0xbdb8_08ef],
                [0x3732_cb3f, 0x37d1_783a, 0x3808_8230, 0x3715_9827, 0x3801_5f5e, 0x3847_4f58, 0x3611_ce83, 0x377f_4e25],
            ]
        ),
    ])
    func adamWHasTorchsBits(_ beta1: String, _ beta2: String, _ decay: String, _ expected: [[UInt32]]) throws {
        try expectBits(["optimizer": "adamw", "beta1": beta1, "beta2": beta2, "weight-decay": decay], expected)
    }

    /// Weights and momentum after three steps of torch.optim.SGD (the same script), by momentum and decay: every bit.
    @Test(
        arguments: [
            ("0", "0", [[0x3ea4_c6f0, 0x3e9e_ea69, 0x3f8f_48d7, 0xbfad_58a1, 0xbfd9_76a1, 0x3f10_a2e3, 0x3f19_62b4, 0xbf15_7230]]),
            ("0", "0.1", [[0x3ea4_488e, 0x3e9e_70fe, 0x3f8e_db16, 0xbfac_d3bd, 0xbfd8_cfff, 0x3f10_3385, 0x3f18_ed0d, 0xbf14_ff3e]]),
            (
                "0.9", "0",
                [
                    [0x3ea4_0e07, 0x3ea0_29d3, 0x3f8f_9193, 0xbfad_8634, 0xbfd9_c20b, 0x3f10_df08, 0x3f19_8027, 0xbf15_446c],
                    [0x3ceb_d454, 0xbe4a_7da6, 0xbe74_65f0, 0x3e15_64f7, 0x3e8c_96b2, 0x3e34_f504, 0xbcdf_9900, 0xbe28_9579],
                ]
            ),
            (
                "0.9", "0.1",
                [
                    [0x3ea3_2197, 0x3e9f_46be, 0x3f8e_c45a, 0xbfac_8dae, 0xbfd8_8a6a, 0x3f10_0eb6, 0x3f18_a424, 0xbf14_6d6d],
                    [0x3ded_284c, 0xbde9_65a6, 0x3d82_bcc3, 0xbe61_a5a7, 0xbe3d_2230, 0x3ea9_1499, 0x3e0a_0d38, 0xbea5_5db2],
                ]
            ),
        ] as [(String, String, [[UInt32]])])
    func sgdHasTorchsBits(_ momentum: String, _ decay: String, _ expected: [[UInt32]]) throws {
        try expectBits(["optimizer": "sgd", "momentum": momentum, "weight-decay": decay], expected)
    }

    private func expectBits(_ settings: [String: String], _ expected: [[UInt32]]) throws {
        func floats(_ bits: [UInt32]) -> [Float] { bits.map { Float(bitPattern: $0) } }
        let start: [UInt32] = [0x3ea5_0138, 0x3e9d_c3bb, 0x3f8e_f28e, 0xbfad_23c2, 0xbfd9_1446, 0x3f11_1004, 0x3f19_4d8b, 0xbf15_e32b]
        let gradients: [[UInt32]] = [
            [0x3d4f_a66a, 0xbe0c_b013, 0xbd2b_edab, 0x3d3d_a332, 0x3db4_4664, 0xbda0_4332, 0xbb49_9d9f, 0xbcc8_d21e],
            [0x3d77_853d, 0xbc1f_6397, 0xbe2a_e145, 0x3d88_55b6, 0x3db5_2fad, 0x3d3f_543b, 0xbd34_96c6, 0xbcfe_163d],
            [0xbd88_866f, 0xbd9f_22da, 0xbd5f_29ba, 0x3d46_918f, 0x3dfd_43a7, 0x3e4a_d07a, 0x3c73_c088, 0xbdef_54ff],
        ]
        let last = try #require(try OptimizerTests.steps(settings, from: floats(start), gradients.map(floats)).last)
        #expect(last.map { $0.map(\.bitPattern) } == expected)
    }

    /// Sixteen normal quantiles lose 0.092 of the deviation of normal numbers in blocks of 64.
    @Test func nf4OfNormalNumbers() throws {
        var random = SplitMix64(state: 3)
        let uniform = { Double(random.next() >> 11) * 0x1p-53 + 0x1p-54 }
        let values = (0..<65536).map { _ in Float((-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform())) }
        let tensor = try Tensor(Shape((.item, values.count)), values)
        let found = try BlockCodes(tensor, levels: .nf4, block: 64, threads: 2).tensor(threads: 2).floats()
        let error = zip(values, found).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) } / Double(values.count)
        #expect(abs(error.squareRoot() - 0.0920) < 0.001)
    }

    @Test(arguments: BlockCodes.Levels.allCases) func codesKeepWhatTheyCan(_ levels: BlockCodes.Levels) throws {
        let values = levels.values
        #expect(values == values.sorted() && Set(values).count == values.count && values.last == 1)
        #expect(values.count == (levels == .nf4 ? 16 : 256))
        // A block of its own levels comes back exactly, whatever its scale.
        let scaled = try Tensor(Shape((.item, values.count)), values.map { $0 * 8 })
        for threads in [1, 2] {
            let codes = try BlockCodes(scaled, levels: levels, block: 256, threads: threads)
            #expect(try codes.tensor(threads: threads).floats() == scaled.floats())
        }
        let zeros = try Tensor(Shape((.item, 70)), [Float](repeating: 0, count: 70))
        #expect(try BlockCodes(zeros, levels: levels, block: 64, threads: 1).tensor(threads: 1).floats().allSatisfy { $0 == 0 })
    }
}
