import Engine
import Foundation
import Models
import Screen
import Testing

import Workbench

/// A workbench without terminal and threads: keys and commands in, surfaces out.
struct Harness {
    /// The checkpoints that come with the source.
    enum Sample: String, CaseIterable, Sendable {
        case llama = "fables-llama"
        case gpt2 = "fables-gpt2"

        var path: String { "\(Harness.root)/Samples/\(rawValue)" }
    }

    /// The root of the repository, two folders above the folder of this file.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path

    static let themes = ThemeCatalogue(folders: [root + "/Themes"])

    var workbench: InlineWorkbench
    /// What the world outside was asked for since the start.
    private(set) var effects: [Effect] = []

    /// Nothing is opened yet.
    init(size: Size = Size(80, 24), threads: Int = 1, budget: Int = 1 << 30) {
        let session = Session(size: size, theme: "night", themes: Harness.themes.names)
        workbench = InlineWorkbench(session, policy: Policy(threads: threads), budget: budget)
    }

    /// A sample after a pass over the prompt, or, with `runs` false, before its first op.
    static func open(
        _ sample: Sample = .llama, prompt: String? = nil, ids: [Int]? = nil, size: Size = Size(80, 24), threads: Int = 1, runs: Bool = true
    ) -> Harness {
        var harness = Harness(size: size, threads: threads)
        harness.session.pendingPrompt = ids.map { .ids($0) } ?? prompt.map { .text($0) }
        harness.command("open \(sample.path)")
        if !runs { harness.command("restart") }
        return harness
    }

    /// A copy of a sample in a temporary folder, with another tokenizer.json, or none.
    static func copy(_ sample: Sample, name: String, tokenizer change: (String) -> String?) throws -> String {
        let path = NSTemporaryDirectory() + "mica-\(UUID().uuidString)-\(name.replacing("/", with: ""))"
        try FileManager.default.copyItem(atPath: sample.path, toPath: path)
        let file = path + "/tokenizer.json"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try FileManager.default.removeItem(atPath: file)
        try change(text)?.write(toFile: file, atomically: true, encoding: .utf8)
        return path
    }

    var session: Session {
        get { workbench.session }
        set { workbench.session = newValue }
    }

    var snapshot: RunSnapshot? { session.snapshot }

    /// Runs a command line; with `ops`, only so many ops of what it starts.
    mutating func command(_ line: String, ops: Int = .max) { effects += workbench.send(.command(line), ops: ops) }

    /// Presses keys by their written forms: `j j Enter`.
    mutating func keys(_ written: String) {
        for word in written.split(separator: " ") {
            guard let key = Key(String(word)) else {
                Issue.record("'\(word)' is no key")
                continue
            }
            press(key)
        }
    }

    mutating func press(_ key: Key) { effects += workbench.send(.input(.key(key))) }

    /// Keys that come faster than the engine works.
    mutating func burst(_ written: String) {
        let keys = written.split(separator: " ").compactMap { Key(String($0)) }
        effects += workbench.send(burst: keys.map { .input(.key($0)) })
    }

    /// Types text, a key a character.
    mutating func type(_ text: String) { for scalar in text.unicodeScalars { press(Key(scalar)) } }

    mutating func input(_ event: InputEvent) { effects += workbench.send(.input(event)) }

    mutating func resize(_ size: Size) { input(.resize(size)) }

    mutating func screen(_ page: PageID) { command("screen \(page.rawValue)") }

    func draw() -> Surface { Drawing.draw(session) }

    /// The screen as text.
    var text: String { draw().text }

    /// The name of the selected value.
    var selected: String { session.selectedValue?.name ?? "" }

    /// Of every value of the run, by name.
    func hashes() throws -> [String: UInt64?] { Harness.hashes(try #require(snapshot?.stepper)) }

    /// Of a run of the sample that has had the rules from the beginning.
    static func fresh(_ rules: String) throws -> [String: UInt64?] {
        let model = try Model(path: Sample.llama.path)
        let ids = try #require(Harness.open().snapshot?.ids)
        var pass = try Generation(
            model: model, prompt: ids, policy: Policy(rules: Policy.rules(from: rules), threads: 1), keep: .all(budget: .max))
        while !pass.stepper.isFinished { try pass.stepper.step() }
        return hashes(pass.stepper)
    }

    private static func hashes(_ stepper: Stepper) -> [String: UInt64?] {
        let program = stepper.program
        return Dictionary(
            uniqueKeysWithValues: program.steps.map { (program.values[$0.output].name, stepper.statistics($0.output)?.hash) })
    }
}
