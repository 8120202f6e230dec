import Testing

@testable import Training

@Suite struct BatchTests {
    static func example(_ ids: [Int32], line: Int = 1, documents: [Int] = [0]) -> Example {
        Example(ids: ids, roles: ids.map { _ in .counts }, documents: documents, line: line)
    }

    @Test func documentsOfAPackedRowStandForThemselves() {
        var row = BatchRow(Self.example([5, 6, 7]))
        row.append(Self.example([8, 9, 5, 4], line: 2, documents: [0, 2]))
        row.pad(to: 9, with: 0)
        #expect(row.ids == [5, 6, 7, 8, 9, 5, 4, 0, 0])
        #expect(row.positions == [0, 1, 2, 0, 1, 0, 1, 0, 0])
        #expect(row.starts == [0, 0, 0, 3, 3, 5, 5, 7, 8])
        #expect(row.labels == [-100, 6, 7, -100, 9, -100, 4, -100, -100])
        #expect(row.targets == [6, 7, -100, 9, -100, 4, -100, -100, -100])
        #expect(row.counted == 4)
        #expect(row.padding == 2)
        #expect(row.lines == [1, 2])
        #expect(row.documents == 3)
    }

    @Test func aMaskedTokenHasNoLabel() {
        let example = Example(ids: [1, 2, 3, 4], roles: [.counts, .prompt, .counts, .counts], labels: [1, 2, 3, 9], line: 1)
        #expect(example.labels == [-100, -100, 3, 9])
        #expect(example.roles == [.boundary, .prompt, .counts, .counts])
        #expect(example.counted == 2)
    }
}
