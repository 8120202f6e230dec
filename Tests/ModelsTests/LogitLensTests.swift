import Engine
import Models
import Tensors
import Testing

struct LogitLensTests {
    /// After the last block the lens says what the model says.
    @Test(arguments: Sample.allCases) func lastRowIsTheModel(_ sample: Sample) throws {
        let (model, ids) = (try sample.model(), try sample.promptIDs())
        let run = try model.run(ids)
        let lens = try #require(try LogitLens(run, positions: 0..<ids.count, count: 5))
        #expect(lens.rows.count == model.settings.layers + 1)
        #expect(lens.rows.map(\.layer) == Array(-1..<model.settings.layers))
        let id = try #require(run.program.id(of: "logits"))
        let logits = try #require(try run.tensor(id))
        let said = try TokenRanking.rows(of: logits, count: 5, threads: 1)
        #expect(lens.rows.last?.rankings.map(\.top) == said.map(\.top))
        // The ring goes to Mia, and the early layers do not know it yet.
        let mia = try #require(model.tokenizer?.encode(" Mia", addSpecial: false).first)
        #expect(lens.rows.last?.rankings.last?.top.first?.id == Int(mia))
        #expect(lens.rows.first?.rankings.last?.top.first?.id != Int(mia))
    }

    @Test func positionsAreAPart() throws {
        let (model, ids) = (try Sample.llama.model(), try Sample.llama.promptIDs())
        let run = try model.run(ids)
        let all = try #require(try LogitLens(run, positions: 0..<ids.count, count: 3))
        let part = try #require(try LogitLens(run, positions: 4..<9, count: 3))
        for (whole, row) in zip(all.rows, part.rows) { #expect(whole.rankings[4..<9].map(\.top) == row.rankings.map(\.top)) }
    }

    @Test func rankingsAreOrderedAndAddUp() throws {
        let logits = try Tensor(Shape((.token, 2), (.vocabulary, 5)), [1, 4, 4, -2, 0, 0, 0, 0, 0, 0])
        let rows = try TokenRanking.rows(of: logits, count: 5, threads: 1)
        #expect(rows[0].top.map(\.id) == [1, 2, 0, 4, 3])
        #expect(rows[1].top.map(\.id) == [0, 1, 2, 3, 4])
        #expect(abs(rows[0].top.reduce(0) { $0 + $1.probability } - 1) < 1e-6)
        // The uniform distribution over five has ln 5 nats.
        #expect(abs(rows[1].entropy - 1.6094379) < 1e-6)
    }
}
