import ArgumentParser
import Training

/// What the README says of the subcommands, made from the commands themselves.
package enum Documentation {
    /// A Markdown table, one row a command, in the order of `mica --help`.
    package static var subcommandTable: String {
        let rows = Mica.configuration.subcommands.map { command in
            "| `\(usage(command))` | \(command.configuration.abstract) |"
        }
        return (["| command | what it does |", "|---|---|"] + rows).joined(separator: "\n")
    }

    /// In the order of `mica --help`.
    package static var commandNames: [String] { Mica.configuration.subcommands.compactMap { $0.configuration.commandName } }

    /// As `--help` shows it, on one line; in a table a bar must not end the cell.
    private static func usage(_ command: any ParsableCommand.Type) -> String {
        let text = Mica.usageString(for: command).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let line = text.hasPrefix("Usage: ") ? String(text.dropFirst(7)) : text
        // The default needs no name.
        let name = command == Mica.configuration.defaultSubcommand ? line.replacing("mica workbench", with: "mica") : line
        return name.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }

    /// The settings of a finetune as a Markdown table, made from their catalogue.
    package static var settingTable: String {
        let rows = Setting.all.map { setting in
            let form = setting.form == .flag ? "`--\(setting.name)`, `--no-\(setting.name)`" : "`--\(setting.name)`"
            return "| \(form) | \(setting.standard.isEmpty ? "–" : setting.standard) | \(setting.help.replacing("|", with: "\\|")) |"
        }
        return (["| setting | default | meaning |", "|---|---|---|"] + rows).joined(separator: "\n")
    }

    /// The options of `mica finetune` that are settings.
    package static var settingOptions: [String] { FinetuneOptions.names }
}
