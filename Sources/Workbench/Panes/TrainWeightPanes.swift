import Engine
import Foundation
import Screen
import Training

/// The selected weight, or factor of an adapter, as it is after the last step.
package enum TrainWeightPane: Pane {
    package static let name = "Weight"

    package static func title(_ session: Session) -> String {
        guard let weight = session.trainedWeight else { return "Weight" }
        return TrainedMap.isSmall(session) ? TrainedMap.last(weight.name) : Names.short(weight.name.withoutWeight)
    }

    package static func label(_ session: Session) -> String {
        guard session.trainedWeight != nil else { return "" }
        let count = session.training?.weights.count ?? 0
        return TrainedMap.isSmall(session)
            ? TrainedMap.limit(session, .weight) : "\(session.train.weight + 1)/\(count)"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { TrainedMap(session, .weight).requests(area) }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        TrainedMap(session, .weight).draw(&surface, area, focused: focused)
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool { session.moveTrained(step) }
    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }
    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        TrainedMap(session, .weight).click(&session, point, area)
    }
}

/// What the last step added to it.
package enum TrainUpdatePane: Pane {
    package static let name = "Update"
    package static func title(_ session: Session) -> String { TrainedMap.isSmall(session) ? "update" : "its last update" }

    package static func label(_ session: Session) -> String {
        if TrainedMap.isSmall(session) { return TrainedMap.limit(session, .update) }
        guard let picture = session.trainedPicture(.update) else { return "" }
        return "step \(picture.step)  ‖u‖/‖w‖ \(picture.weightNorm > 0 ? Numbers.compact(picture.norm / picture.weightNorm) : "–")"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { TrainedMap(session, .update).requests(area) }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        TrainedMap(session, .update).draw(&surface, area, focused: focused)
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool { session.moveTrained(step) }
    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }
    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        TrainedMap(session, .update).click(&session, point, area)
    }
}

/// One of the two pictures: what to ask for, and how it is drawn. The older picture stays until the newer has come.
struct TrainedMap {
    private let session: Session
    private let part: TrainedQuestion.Part

    init(_ session: Session, _ part: TrainedQuestion.Part) { (self.session, self.part) = (session, part) }

    /// Whether there is room for little more than the picture.
    static func isSmall(_ session: Session) -> Bool { Screen.Breakpoint(session.size) == .standard && !session.isZoomed }

    /// `lora_A` of a long name.
    static func last(_ name: String) -> String { name.withoutWeight.split(separator: ".").last.map(String.init) ?? name }

    /// The end of the colours, where there is no room for their bar.
    static func limit(_ session: Session, _ part: TrainedQuestion.Part) -> String {
        guard let picture = session.trainedPicture(part) else { return "" }
        let end = TrainedMap(session, part).scale(picture).hi
        return "±" + (end < 0.001 ? String(format: "%.0e", end) : Numbers.label(end, digits: 2))
    }

    private var source: Size {
        let size = Size(session.trainedWeight?.columns ?? 1, session.trainedWeight?.rows ?? 1)
        return session.view.isTransposed ? Size(size.height, size.width) : size
    }

    /// Numbers in cells would make a few of many look like all.
    private func plan(_ area: Rect) -> HeatPlan { HeatMap.plan(area, source: source, numbers: false, bar: area.width >= 24) }

    // MARK: asking

    func requests(_ area: Rect) -> [Request] {
        guard session.trainedWeight != nil, part == .weight || session.training?.keepsUpdates == true else { return [] }
        let plan = plan(area)
        let picture = session.trainedQuestion(
            part, .picture(rows: plan.rows, columns: plan.columns, transposed: session.view.isTransposed))
        return [picture] + (session.isTrainedFocused ? TrainedQuestion.Part.allCases.map(session.trainedNumberRequest) : [])
    }

    // MARK: drawing

    func draw(_ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let picture = session.trainedPicture(part) else { return drawNothing(&surface, area) }
        let cursor = session.isTrainedFocused ? session.train.cell : Point(-1, -1)
        HeatMap(
            picture.grid, scale: scale(picture), map: map(picture), counts: picture.counts,
            cursor: session.view.isTransposed ? Point(cursor.y, cursor.x) : cursor, showsNumbers: false, showsBar: area.width >= 24
        ).draw(into: &surface, in: area)
    }

    private func drawNothing(_ surface: inout Surface, _ area: Rect) {
        guard let training = session.training else { return }
        let why =
            part == .weight
            ? "not read yet"
            : !training.keepsUpdates
                ? "updates are not kept: no memory for \(Numbers.bytes(4 * training.elements)) (--memory)"
                : training.points.isEmpty ? "no step has been made yet" : "not read yet"
        for (row, line) in TrainEventsPane.fold(why, to: area.width - 2).prefix(area.height).enumerated() {
            surface.put(area.x + 1, area.y + row, Line(line, .dim), width: area.width - 2)
        }
    }

    private func map(_ picture: TrainedPicture) -> MapKind { session.view.map ?? (picture.min < 0 ? .diverging : .sequential) }

    func scale(_ picture: TrainedPicture) -> HeatScale {
        let most = Double(max(abs(picture.min), abs(picture.max)))
        let limit =
            switch session.view.range {
            case .minmax: most
            case .locked: session.view.lockedLimit ?? most
            case .p99, .p999: picture.usual
            }
        let end = limit > 0 ? limit : max(most, 1e-30)
        return map(picture) == .diverging
            ? .symmetric(end, session.view.scale, floor: end * 1e-3) : HeatScale(session.view.scale, lo: 0, hi: end, floor: end * 1e-3)
    }

    func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let (row, column) = plan(area).source(at: point, of: source) else { return }
        session.train.cell = session.view.isTransposed ? Point(row, column) : Point(column, row)
    }
}

extension String {
    /// A weight's name without the word that all of them end in.
    fileprivate var withoutWeight: String { hasSuffix(".weight") ? String(dropLast(7)) : self }
}

extension Session {
    var trainedWeight: TrainedWeight? { training?.weights[safe: train.weight] }

    /// Whether the keyboard is on one of the two pictures.
    var isTrainedFocused: Bool {
        guard page == .train, let pane = Drawing.focused(self)?.pane else { return false }
        return pane == TrainWeightPane.self || pane == TrainUpdatePane.self
    }

    func trainedQuestion(_ part: TrainedQuestion.Part, _ what: TrainedQuestion.What) -> Request {
        .trained(TrainedQuestion(weight: train.weight, part: part, step: training?.step ?? 0, what: what))
    }

    func trainedNumberRequest(_ part: TrainedQuestion.Part) -> Request {
        trainedQuestion(part, .number(row: train.cell.y, column: train.cell.x))
    }

    /// The newest picture that has come of the selected weight.
    func trainedPicture(_ part: TrainedQuestion.Part) -> TrainedPicture? {
        train.pictures[part].flatMap { $0.weight == train.weight ? $0 : nil }
    }

    /// The name of the weight with the numbers under the cursor.
    var trainedStatus: Line? {
        guard let weight = trainedWeight else { return nil }
        let number = { (part: TrainedQuestion.Part) -> String in
            guard case .trained(.number(let number?))? = answers[trainedNumberRequest(part)] else { return "–" }
            return part == .weight ? Numbers.exact(Float(number)) : Numbers.signed(number, digits: 4)
        }
        return [
            Span("[\(train.cell.y), \(train.cell.x)] = \(number(.weight))", .statusKey),
            Span("  last update \(number(.update))  \(Names.short(weight.name.withoutWeight))", .status),
        ]
    }

    mutating func selectTrained(_ number: Int) {
        guard let count = training?.weights.count, count > 0 else { return }
        train.weight = min(max(number, 0), count - 1)
        clampTrained()
    }

    private mutating func clampTrained() {
        guard let weight = trainedWeight else { return }
        train.cell = Point(min(max(train.cell.x, 0), weight.columns - 1), min(max(train.cell.y, 0), weight.rows - 1))
    }

    /// In the pictures: over the weight's numbers, to the same weight of another layer, to the next weight.
    mutating func moveTrained(_ step: Move) -> Bool {
        guard let weight = trainedWeight else { return false }
        switch step {
        case .by(let dx, let dy):
            train.cell = Point(train.cell.x + (view.isTransposed ? dy : dx), train.cell.y + (view.isTransposed ? dx : dy))
        case .pages(let pages): train.cell.y += Int(pages * 8)
        case .rowStart: train.cell.x = 0
        case .rowEnd: train.cell.x = weight.columns - 1
        case .first: train.cell = Point(0, 0)
        case .last: train.cell = Point(weight.columns - 1, weight.rows - 1)
        case .head(let by): selectTrained(train.weight + by)
        case .layer(let by): selectTrained(layer: by)
        case .leading, .out: return false
        }
        clampTrained()
        return true
    }

    private mutating func selectTrained(layer by: Int) {
        guard let name = trainedWeight?.name, let path = LayerPath(name) else { return }
        let other = "\(path.prefix)\(path.layer + by).\(path.rest)"
        training?.weights.firstIndex { $0.name == other }.map { selectTrained($0) }
    }

    /// The newest picture stays on the screen until a newer one comes.
    mutating func keep(_ answer: Answer) {
        guard case .trained(.picture(let picture)) = answer else { return }
        train.pictures[picture.part] = picture
    }
}
