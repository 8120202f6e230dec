/// One setting of a finetune: its name, what it means, what values it takes. Options of the command, the form of the Train screen and the
/// table in the README are made from these.
package struct Setting: Sendable {
    package enum Group: String, Sendable, CaseIterable {
        case data, training, optimizer, weights, run
    }

    /// What a value looks like.
    package enum Form: Sendable, Equatable {
        case choice([String])
        case flag
        case integer(ClosedRange<Int>)
        case real(ClosedRange<Double>)
        case text

        /// `constant|linear`, `n`, `x`, …
        package var placeholder: String {
            switch self {
            case .choice(let words): words.joined(separator: "|")
            case .flag: "on|off"
            case .integer: "n"
            case .real: "x"
            case .text: "text"
            }
        }
    }

    /// As on the command line, without the dashes.
    package let name: String
    package let group: Group
    package let form: Form
    package let help: String
    package let read: @Sendable (TrainingSettings) -> String
    private let write: @Sendable (inout TrainingSettings, String) -> Bool

    init(
        _ name: String, _ group: Group, _ form: Form, _ help: String, read: @escaping @Sendable (TrainingSettings) -> String,
        write: @escaping @Sendable (inout TrainingSettings, String) -> Bool
    ) {
        self.name = name
        self.group = group
        self.form = form
        self.help = help
        self.read = read
        self.write = write
    }

    /// The value of settings that nobody has touched.
    package var standard: String { read(TrainingSettings()) }

    package func set(_ text: String, in settings: inout TrainingSettings) throws(SettingError) {
        if !write(&settings, text) { throw SettingError(rule: "--\(name) must be \(wanted), is '\(text.prefix(40))'") }
    }

    private var wanted: String {
        switch form {
        case .choice(let words): "one of \(words.joined(separator: ", "))"
        case .flag: "on or off"
        case .integer(let range): "an integer from \(range.lowerBound)" + (range.upperBound < .max ? " to \(range.upperBound)" : "")
        case .real(let range):
            "a number from \(range.lowerBound)" + (range.upperBound < .greatestFiniteMagnitude ? " to \(range.upperBound)" : "")
        case .text: "text"
        }
    }

    package static func find(_ name: String) -> Setting? { all.first { $0.name == name } }
}

/// A value that a setting cannot take, or settings that do not go together.
package struct SettingError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    package init(rule: String) { self.rule = rule }
    package var description: String { rule }
}

extension Setting {
    typealias Field<T> = WritableKeyPath<TrainingSettings, T> & Sendable

    static func choice<T: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, _ group: Group, _ field: Field<T>, _ help: String
    ) -> Setting where T.RawValue == String {
        Setting(name, group, .choice(T.allCases.map(\.rawValue)), help, read: { $0[keyPath: field].rawValue }) { settings, text in
            guard let value = T(rawValue: text) else { return false }
            settings[keyPath: field] = value
            return true
        }
    }

    static func flag(_ name: String, _ group: Group, _ field: Field<Bool>, _ help: String) -> Setting {
        Setting(name, group, .flag, help, read: { $0[keyPath: field] ? "on" : "off" }) { settings, text in
            guard let value = ["on": true, "true": true, "off": false, "false": false][text] else { return false }
            settings[keyPath: field] = value
            return true
        }
    }

    static func integer(_ name: String, _ group: Group, _ field: Field<Int>, _ range: ClosedRange<Int>, _ help: String) -> Setting {
        Setting(name, group, .integer(range), help, read: { "\($0[keyPath: field])" }) { settings, text in
            guard let value = Int(text), range.contains(value) else { return false }
            settings[keyPath: field] = value
            return true
        }
    }

    static func real(
        _ name: String, _ group: Group, _ field: Field<Double>, _ range: ClosedRange<Double>, _ help: String
    ) -> Setting {
        Setting(name, group, .real(range), help, read: { "\($0[keyPath: field])" }) { settings, text in
            guard let value = Double(text), value.isFinite, range.contains(value) else { return false }
            settings[keyPath: field] = value
            return true
        }
    }

    static func text(_ name: String, _ group: Group, _ field: Field<String>, _ help: String) -> Setting {
        Setting(name, group, .text, help, read: { $0[keyPath: field] }) { settings, text in
            settings[keyPath: field] = text
            return true
        }
    }
}
