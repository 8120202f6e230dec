import Foundation
import Training

extension Command {
    static let trainCommands: [Command] = [
        Command("finetune", "[DATA] [KEY=VALUE …]", .train, "train on a file, as in method=lora; alone: a form of all settings") {
            session, arguments throws(CommandError) in
            guard !arguments.text.isEmpty else {
                session.open(.train)
                session.overlay = .finetune(selection: 0)
                return []
            }
            return try session.finetune(arguments.words)
        },
        Command("finetune-set", "KEY VALUE", .train, "one setting of the form, as the catalogue names it") {
            session, arguments throws(CommandError) in
            guard let name = arguments[0] else { throw CommandError("which setting?") }
            try session.finetune.set(name, arguments.words.dropFirst().joined(separator: " "))
            return []
        },
        Command("resume", "RUN", .train, "go on with the finetune in this folder") { session, arguments throws(CommandError) in
            guard !arguments.text.isEmpty else { throw CommandError("which folder?") }
            session.begins(reading: arguments.text)
            return [.engine(.training(.resume(folder: arguments.text)))]
        },
        Command("train-run", "[STEP]", .train, "go on to the end, or until so many steps are made; or pause at the next step") {
            session, arguments throws(CommandError) in
            let training = try session.needTraining()
            if arguments[0] == nil, training.phase == .running { return [.engine(.training(.pause))] }
            return [.engine(.training(.run(until: try arguments.integer(0, default: .max))))]
        },
        Command("train-step", "[N]", .train, "one step of the optimizer, or N") { session, arguments throws(CommandError) in
            let count = min(max(try arguments.integer(0, default: 1), 1), 1 << 40)
            return [.engine(.training(.run(until: try session.needTraining().step + count)))]
        },
        Command("train-walk", .train, "into the next batch: its rows and updates op by op, on all screens") {
            session, _ throws(CommandError) in
            _ = try session.needTraining()
            return [.engine(.training(.walk))]
        },
        Command("train-leave", .train, "out of the batch; the run stands where it stood") { session, _ throws(CommandError) in
            guard try session.needTraining().walk != nil else { throw CommandError("the run is not in a batch; Enter walks into one") }
            return [.engine(.training(.leave))]
        },
        Command("train-save", .train, "make a checkpoint of the last step") { session, _ throws(CommandError) in
            _ = try session.needTraining()
            return [.engine(.training(.save))]
        },
        Command("train-weight", "[NAME]", .train, "the weight whose numbers Train shows; alone: the next") {
            session, arguments throws(CommandError) in
            let weights = try session.needTraining().weights
            guard let name = arguments[0] else {
                session.selectTrained((session.train.weight + 1) % max(weights.count, 1))
                return []
            }
            let found = weights.firstIndex { $0.name == name } ?? weights.firstIndex { $0.name.contains(name) }
            guard let found else { throw CommandError("no weight that is trained is called '\(name)'") }
            session.selectTrained(found)
            return []
        },
        Command("train-log", .train, "losses on a log axis, or on a plain one") { session, _ throws(CommandError) in
            session.train.isLog.toggle()
            return []
        },
        Command("train-smooth", "[SHARE]", .train, "how much of the mean loss stays at a step; 0 draws none") {
            session, arguments throws(CommandError) in
            let shares = [0.9, 0.98, 0]
            let next = shares[((shares.firstIndex(of: session.train.smoothing) ?? 2) + 1) % 3]
            let share = arguments[0] == nil ? next : try arguments.number(0)
            guard (0..<1).contains(share) else { throw CommandError("a share from 0 to below 1") }
            session.train.smoothing = share
            return []
        },
    ]
}

extension Session {
    func needTraining() throws(CommandError) -> TrainingProgress {
        guard let training else { throw CommandError("there is no finetune; f or :finetune DATA begins one") }
        return training
    }

    mutating func begins(reading what: String) {
        open(.train)
        overlay = nil
        busy = "reading \(what)"
    }

    /// `DATA KEY=VALUE …`; a word without = is the data.
    fileprivate mutating func finetune(_ words: [String]) throws(CommandError) -> [Effect] {
        var form = FinetuneForm()
        for word in words {
            if let sign = word.firstIndex(of: "="), sign != word.startIndex {
                try form.set(String(word[..<sign]), String(word[word.index(after: sign)...]))
            } else if form.data.isEmpty {
                form.data = word
            } else {
                throw CommandError("'\(word)' has no value; settings are written \(word)=VALUE")
            }
        }
        finetune = form
        return try startFinetune()
    }

    /// Begins what the form holds.
    mutating func startFinetune() throws(CommandError) -> [Effect] {
        guard let model else { throw CommandError("no model is open; :open PATH") }
        guard !finetune.data.isEmpty else { throw CommandError("which file? data is empty") }
        let settings: TrainingSettings
        do throws(SettingError) { settings = try finetune.settings() } catch { throw CommandError(error.rule) }
        let plan = TrainingRun.Plan(model: model.path, data: finetune.data, log: finetune.log, settings: settings)
        let until = Int(finetune.until) ?? .max
        begins(reading: finetune.data)
        return [.engine(.training(.start(plan, folder: finetune.folder, until: until)))]
    }

    // MARK: what the engine tells

    mutating func receive(_ new: TrainingProgress) {
        let (old, walked) = (training, training?.walk != nil)
        training = new
        busy = nil
        if new.walk != nil, !walked {
            train.promptText = promptText
            promptText = ""
        } else if new.walk == nil, walked, let text = train.promptText {
            (promptText, train.promptText) = (text, nil)
        }
        if new.rows != old?.rows || new.walk?.stage != old?.walk?.stage { train.token = nil }
        if old?.folder != new.folder { train = TrainView(keeping: train) }
        guard new.phase != old?.phase else { return }
        if case .stopped(let why) = new.phase { say(why, .error) }
        if case .finished = new.phase { say("the run is finished: \(new.folder)") }
    }
}
