import Engine
import Models
import Screen
import Tensors

/// Everything the screen can show, and the only state there is. `update` changes it; drawing reads it.
package struct Session: Sendable {
    package var size: Size
    // MARK: the model and its run
    package var model: Model?
    package var snapshot: RunSnapshot?
    package var tree = ModelTree()
    /// Answers of the engine to what screens asked, for the run they belong to.
    package var answers = Answers()
    package var breakpoints: [Engine.Breakpoint] = []
    package var watchpoints: [Watchpoint] = []
    package var edits = EditList()
    package var quirks = QuirkState()
    package var scan: ScanState?
    package var training: TrainingProgress?
    package var adapter: AdapterState?
    package var beforeAfter: BeforeAfter?
    package var compared = CompareState()
    package var blame: BlameState?
    package var kept: KeepState?
    /// What the form of a new finetune holds.
    package var finetune = FinetuneForm()
    package var lastStop: String?
    package var busy: String?
    /// What was typed as the prompt; empty if ids were given.
    package var promptText = ""
    /// How many of the ids are the prompt's; the rest were made after it.
    package var promptCount = 0
    /// Runs to the end when the model has been opened, with this prompt.
    package var pendingPrompt: Prompt?

    // MARK: where the user is
    package var page = PageID.explore
    /// Which pane of each page has the keyboard.
    package var focus: [PageID: Int] = [:]
    package var isZoomed = false
    package var isPresenting = false
    package var place = Place()
    package var history: [Location] = []
    package var marks: [Character: Location] = [:]
    package var view = ViewOptions()
    package var attention = AttentionView()
    package var rope = RopeView()
    package var gradient = GradientView()
    package var compare = CompareView()
    package var numerics = NumericsView()
    package var tokens = TokensView()
    package var train = TrainView()
    package var search = ""

    // MARK: lines, boxes and messages
    package var line: LineEditor?
    package var lineHistory: [String] = []
    package var overlay: OverlayState?
    package var message: Message?
    /// Keys of a sequence that is not complete yet (`g`, `m`, `v`).
    package var pending: [Key] = []
    /// Whether the box of what may follow is open: after a moment, so that it does not flicker for those who know.
    package var showsNextKeys = false
    package var theme: String
    package var themes: [String]
    package var isMouseOn = false
    /// Bindings from the user's configuration.
    package var ownBindings: [Binding] = []
    /// Commands since `:record`, and where they go.
    package var recording: CommandLog?

    package init(size: Size, theme: String = "night", themes: [String] = ["night"]) {
        self.size = size
        self.theme = theme
        self.themes = themes
    }
}

package enum Prompt: Sendable, Hashable {
    case text(String)
    case ids([Int])
}

/// Which number the cursor is on.
package struct Place: Sendable, Hashable {
    package var value = ValueRef(id: 0)
    /// The index of the first axis, where a value has three.
    package var leading = 0
    package var row = 0
    package var column = 0

    package init() {}
}

/// Somewhere to come back to.
package struct Location: Sendable, Hashable {
    package let page: PageID
    package let place: Place
}

/// How pictures show numbers.
package struct ViewOptions: Sendable, Hashable {
    package enum Range: String, CaseIterable, Sendable { case p99, p999 = "p99.9", minmax, locked }

    package var scale = HeatScale.Kind.linear
    package var range = Range.p999
    package var lockedLimit: Double?
    /// Nil: diverging where there are both signs, sequential else.
    package var map: MapKind?
    package var isTransposed = false
    package var showsHex = false

    package init() {}
}

package struct Message: Sendable, Hashable {
    package enum Kind: Sendable { case info, warning, error }
    package let kind: Kind
    package let text: String
}

/// A box above the panes.
package enum OverlayState: Sendable, Hashable {
    case help(filter: String, scroll: Int)
    case palette(filter: String, selection: Int)
    case themes(selection: Int, before: String)
    case lineage(ValueRef, index: [Int], selection: Int)
    case text(title: String, lines: [String], scroll: Int)
    case edits(selection: Int)
    case quirks(selection: Int)
    case kernels(ValueRef, selection: Int)
    case scan(row: Int, column: Int)
    case finetune(selection: Int)
    case adapter
    case beforeAfter(scroll: Int)
    case compared(scroll: Int)
    case blame(selection: Int)
    case kept(selection: Int)
}

/// What `:record` has written so far.
package struct CommandLog: Sendable, Hashable {
    package let path: String
    package var lines: [String] = []
}

extension Session {
    package mutating func say(_ text: String, _ kind: Message.Kind = .info) { message = Message(kind: kind, text: text) }

    /// The stepper whose values the selection points at.
    package var shown: Stepper? { snapshot?.stepper(level: place.value.level) }

    package var selectedValue: Value? {
        guard let program = shown?.program, program.values.indices.contains(place.value.id) else { return nil }
        return program.values[place.value.id]
    }

    /// The selected value as the recording has it; nil if it has not been computed or was evicted.
    package var selectedTensor: Tensor? { tensor(place.value) }

    package func tensor(_ value: ValueRef) -> Tensor? {
        guard let stepper = snapshot?.stepper(level: value.level), stepper.recording.tensors.indices.contains(value.id) else { return nil }
        return stepper.recording.tensors[value.id]
    }

    package func statistics(_ value: ValueRef) -> Statistics? {
        guard let stepper = snapshot?.stepper(level: value.level), stepper.program.values.indices.contains(value.id) else { return nil }
        return stepper.statistics(value.id)
    }

    package var slice: Slice { Slice(place.value, leading: place.leading, transposed: view.isTransposed) }

    /// The cursor as an index into the selected value.
    package var cursorIndex: [Int] {
        guard let shape = selectedValue.map(\.shape) else { return [] }
        return slice.index(row: place.row, column: place.column, shape: selectedTensor?.shape ?? shape)
    }

    /// The value of a name in the model's program.
    package func value(named name: String) -> ValueRef? { snapshot?.stepper.program.id(of: name).map { ValueRef(id: $0) } }

    /// The text of a token as it stands in the vocabulary's bytes, for labels.
    package func tokenLabel(_ id: Int) -> String { TokenText.label(id, model: model) }
}
