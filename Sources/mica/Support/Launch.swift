import ArgumentParser
import Foundation
import Screen

/// Runs the command that the arguments name and turns what goes wrong into one line and an exit code.
enum Launch {
    static func run(_ arguments: [String]) -> Never {
        do {
            var command = try Mica.parseAsRoot(FinetuneCommand.spelled(arguments))
            try command.run()
        } catch {
            end(with: error)
        }
        exit(0)
    }

    private static func end(with error: any Error) -> Never {
        switch error {
        case let failure as Failure: stop(failure.message, code: failure.code)
        case is Interrupted: exit(130)
        case let code as ExitCode: exit(code.rawValue)
        default: break
        }
        let code = Mica.exitCode(for: error)
        if code.isSuccess {
            Console.print(Mica.fullMessage(for: error))
            exit(0)
        }
        guard code == .validationFailure else { stop("\(error)", code: 1) }
        stop(usage(error), code: code.rawValue)
    }

    /// ArgumentParser's message on one line, with where to read on.
    private static func usage(_ error: any Error) -> String {
        let lines = Mica.message(for: error).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let text = lines.joined(separator: " ")
        return "\(text)\(text.hasSuffix(".") ? "" : ".") See \(helped(by: Mica.fullMessage(for: error)))."
    }

    /// The command that shows the help of what was called.
    private static func helped(by message: String) -> String {
        let hint = message.split(separator: "\n").last { $0.contains("--help") }
        let command = hint?.split(separator: "'").first { $0.hasPrefix("mica") && $0.hasSuffix("--help") }
        return command.map(String.init) ?? "mica --help"
    }

    private static func stop(_ message: String, code: Int32) -> Never {
        Console.complain(message)
        exit(code)
    }
}

/// A command that cannot be carried out, in one line.
struct Failure: Error {
    let message: String
    let code: Int32

    init(_ message: String, code: Int32 = 1) {
        self.message = message
        self.code = code
    }

    /// The command was called wrongly.
    static func usage(_ message: String) -> Failure { Failure(message, code: 64) }
}
