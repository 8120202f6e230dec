import Foundation
import Screen
import Testing
import Workbench

/// What stands on the screens is what the engine's buffers hold: a number that is written into one is seen, every pane follows the run,
/// and no screen computes.
@Suite struct MarkerTests {
    private static let size = Size(160, 48)
    private static let prompt = "Tom and Mia went to the market"

    /// A place on a screen, the value that is overwritten there, and what its panes say then. No run of the sample has such a number.
    struct Place: Sendable, CustomTestStringConvertible {
        let page: PageID
        let way: [String]
        let edit: String
        /// What each pane shows, by its name, or the status line; the marker itself, or what follows from it alone.
        let shows: [String: String]
        var testDescription: String { edit }

        static let all: [Place] = [
            Place(
                page: .explore, way: ["goto model.layers.1.mlp.down_proj", "at 2,3"],
                edit: "set model.layers.1.mlp.down_proj[2,3] = 1234.5", shows: ["Info": "1234", "Program": "1234"]),
            Place(
                page: .attention, way: ["attention-part scores"], edit: "set model.layers.5.self_attn.scores[0,8,1] = 1234.5",
                shows: ["Keys": "1.000", "Attention": "1234"]),
            Place(
                page: .rope, way: ["keys g g l l j j j"], edit: "set model.rotary_emb.cos[2,3] = 1234.5",
                shows: ["Formula": "·1234 ", "Numbers": "2043"]),
            Place(
                page: .gradient, way: ["backward end", "goto grad:model.layers.1.mlp.down_proj", "at 2,3"],
                edit: "set model.layers.1.mlp.down_proj[2,3] = 1234.5", shows: ["": "= 1234.5"]),
            Place(
                page: .numerics, way: ["goto model.layers.1.mlp.down_proj", "screen numerics", "at 2,3"],
                edit: "set model.layers.1.mlp.down_proj[2,3] = 1234.5", shows: ["Bits": "1234.5", "Values": "1234"]),
            Place(page: .tokens, way: ["token 3"], edit: "set logits[3,44] = 1234.5", shows: ["Lens": "1.000"]),
        ]
    }

    @Test(arguments: Place.all) func aMarkerIsSeen(_ place: Place) throws {
        var harness = Self.opened(on: place.page)
        for line in place.way { Self.go(&harness, line) }
        let before = Self.panes(harness)
        harness.command(place.edit)
        let after = Self.panes(harness)
        for (name, text) in place.shows {
            let (old, new) = (try #require(before[name]?.text, "\(before.keys)"), try #require(after[name]?.text))
            #expect(new.contains(text), "\(name):\n\(new)")
            #expect(Self.count(text, new) > Self.count(text, old), "\(name) has \(text) before")
        }
        harness.command("undo")
        #expect(Self.panes(harness) == before)
    }

    /// Train shows what the loss of a row is made of, also where the batch is walked through.
    @Test func aMarkerIsSeenOnTrain() throws {
        let run = TrainTests.Run("steps=2 until=1 method=full", size: Self.size)
        run.harness.keys("Enter")
        run.harness.command("run")
        run.harness.screen(.train)
        let before = Self.panes(run.harness)
        run.harness.command("set loss.tokens[2] = 1234.5")
        run.harness.screen(.train)
        let after = Self.panes(run.harness)
        #expect(before["Batch"]?.text.contains("1234") == false && after["Batch"]?.text.contains("1234") == true)
    }

    /// Compare shows a run that was kept: a marker that is written after it stands on B's side of every pane.
    @Test func aMarkerIsSeenOnCompare() throws {
        var harness = Self.opened(on: .compare)
        harness.command("pin")
        harness.command("set model.layers.1.mlp.up_proj[2,3] = 1.5")
        harness.command("pin")
        let before = Self.panes(harness)
        harness.command("set model.layers.1.mlp.up_proj[2,3] = 1234.5")
        harness.command("compare drop")
        harness.command("pin")
        let after = Self.panes(harness)
        for name in ["Values", "Error", "Runs", "Difference", "B"] {
            #expect(try #require(after[name]).cells != before[name]?.cells, "\(name) stays\n\(after[name]?.text ?? "")")
        }
        #expect(after[""]?.text.contains("B 1234.50") == true && after["Values"]?.text.contains("bug") == true)
        #expect(before[""]?.text.contains("1234") == false)
        harness.keys("Enter")
        #expect(harness.text.contains("1234.5") && harness.text.contains("B 1234.50, formula"))
    }

    /// A box, what opens it, and what it says when the marker is in the value; nil: something else than before.
    struct Box: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let way: [String]
        var edit = "set model.layers.1.mlp.down_proj[2,3] = 1234.5"
        let open: String
        var says: String?

        static let all: [Box] = [
            Box(testDescription: "why", way: [], open: "why", says: "is 1234.5; on the same inputs its formula gives"),
            Box(
                testDescription: "where from", way: ["goto model.layers.1.mlp.down_proj", "at 2,3"], open: "lineage", says: "= 1234.5"),
            Box(
                testDescription: "kernel card", way: ["goto model.layers.1.self_attn.o_proj"],
                edit: "set model.layers.1.self_attn.context[0,2,3] = 123456", open: "kernels"),
            Box(testDescription: "quirks", way: [], edit: "set model.embed_tokens[2,3] = 1234.5", open: "quirk rope-tables-bf16; quirks"),
            Box(testDescription: "edits", way: [], open: "edits", says: "1234.5"),
        ]
    }

    @Test(arguments: Box.all) func aMarkerIsSeenInABox(_ box: Box) throws {
        func text(_ edit: String?) -> String {
            var harness = Self.opened(on: .explore)
            for line in box.way { Self.go(&harness, line) }
            if let edit { harness.command(edit) }
            for line in box.open.split(separator: ";") { harness.command(line.trimmingCharacters(in: .whitespaces)) }
            #expect(edit == nil || harness.session.overlay != nil)
            // What was measured of the machine is not of the run.
            return harness.text.replacing(#/[0-9.]+ (µs|ms|s|%)/#, with: "")
        }
        let (before, after) = (text(nil), text(box.edit))
        #expect(after != before)
        if let says = box.says { #expect(after.contains(says) && !before.contains(says), "\(after)") }
    }

    /// The boxes of a blame and of a search are of the model on the screen: with a mistake in it they have other numbers, and without it
    /// the old ones, and every number is one that was measured.
    @Test(arguments: ["blame bf16 kind", "blame keep-within kl<1e-6 bf16"]) func blameFollows(_ line: String) throws {
        var harness = Self.opened(on: .explore)
        func box() throws -> String {
            harness.command(line)
            let text = harness.text
            let effect = try #require(harness.session.blame?.blame.low ?? harness.session.kept?.effect)
            #expect(text.contains("kl \(Numbers.compact(effect.kl))") && text.contains(Numbers.compact(effect.nmse)))
            harness.keys("q")
            return text.split(separator: "\n").filter { $0.contains("kl ") }.joined()
        }
        let before = try box()
        harness.command("quirk rope-tables-bf16")
        #expect(try box() != before)
        harness.command("quirk rope-tables-bf16 off")
        #expect(try box() == before)
    }

    /// What a pane shows that does not come from the run.
    private static let others = [
        "Model": "names and shapes", "Merges": "what the tokenizer did", "First NaN or Inf": "the first of them, and there is none",
    ]

    /// Train shows a run of its own, and a comparison one that was kept.
    private static let pages = PageCatalogue.all.map { $0.id }.filter { !["train", "compare"].contains($0.rawValue) }

    /// Other numbers in what everything is computed from are seen in every pane of every screen, and the old picture comes back with them.
    @Test(arguments: pages) func everyPaneFollows(_ page: PageID) throws {
        var harness = Self.opened(on: page)
        harness.command("backward end")
        harness.command("goto model.layers.1.self_attn.q_proj")
        harness.command("at 3,5")
        harness.screen(page)
        let before = Self.panes(harness)
        #expect(before.count > 1)
        harness.command("noise model.embed_tokens by 0.5")
        harness.command("scale model.rotary_emb.inv_freq by 1.5")
        let after = Self.panes(harness)
        for (name, picture) in before where !name.isEmpty && Self.others[name] == nil {
            // The label of the frame follows on its own.
            #expect(after[name]?.inside != picture.inside, "\(name) stays\n\(picture.text)")
        }
        harness.command("clear-edits")
        #expect(Self.panes(harness) == before)
    }

    /// What computes a tensor, or takes one from a run that may have to compute it again, throws; and drawing cannot. A file that draws
    /// has no `try`, and none of the few calls that compute and do not throw.
    @Test func noScreenComputes() throws {
        let folder = "\(Harness.root)/Sources/Workbench"
        let files = try #require(
            FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") })
        let texts = try files.map { ($0, try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) }
        let boxes = texts.filter { $0.1.contains("Overlay(") }
        let drawing = texts.filter { $0.1.contains("Pane {") || $0.1.contains(": Page {") } + boxes
        #expect(drawing.count > 35 && boxes.count > 9)
        let calls = #/\btry\b|\bKernels\.|\.reference\(|\b(?:Stepper|Generation|Expansion)\(/#
        for (name, text) in drawing {
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() where !line.contains("///") {
                // Commands that a box begins may fail, and an edit is asked which values it means.
                let isCommand = line.contains("throws(CommandError)") || line.contains("edit.values(in: program)")
                #expect(isCommand || line.firstMatch(of: calls) == nil, "\(name):\(number + 1): \(line)")
            }
        }
    }

    // MARK: looking

    private struct Picture: Equatable {
        let text: String
        let cells: [Cell]
        /// Without the frame.
        let inside: [Cell]
    }

    private static func opened(on page: PageID) -> Harness {
        var harness = Harness.open(prompt: prompt, size: size)
        harness.screen(page)
        return harness
    }

    private static func go(_ harness: inout Harness, _ line: String) {
        if line.hasPrefix("keys ") { harness.keys(String(line.dropFirst(5))) } else { harness.command(line) }
    }

    /// Each pane of the screen by its name, drawn alone in its frame.
    private static func panes(_ harness: Harness) -> [String: Picture] {
        var pictures: [String: Picture] = [:]
        for place in Drawing.allPanes(harness.session) {
            var surface = Surface(size)
            let inside = surface.box(
                place.rect, title: place.pane.title(harness.session), label: place.pane.label(harness.session), focused: false)
            place.pane.draw(harness.session, &surface, inside, focused: false)
            let cells = { (rect: Rect) in (rect.y..<rect.bottom).flatMap { y in (rect.x..<rect.right).map { surface[$0, y] } } }
            pictures[place.pane.name] = Picture(
                text: surface.text, cells: cells(Rect(0, 0, size.width, size.height)), inside: cells(inside))
        }
        let status = PageCatalogue.page(harness.session.page).status(harness.session).text
        pictures[""] = Picture(text: status, cells: [], inside: [])
        return pictures
    }

    private static func count(_ part: String, _ text: String) -> Int { text.ranges(of: part).count }
}
