import CNcurses
import Glibc

/// The parent process that puts the terminal right when the program could not: killed, out of memory, or worse.
///
/// The program starts itself once more as a child in the same job. The parent waits, hands signals on, stops and continues with the child,
/// and after its end restores the terminal and says what happened. This is also the time to set what is read only when a process starts:
/// Swift's crash reporter must write to a file, where its prompt on the terminal would hold the screen for half a minute.
package enum Supervisor {
    /// Begins supervision: in the parent this never returns; in the child, and where there is nothing to supervise, it does nothing.
    ///
    /// Call it before anything else is done. MICA_NO_SUPERVISOR in the environment turns it off, for debuggers.
    /// - Parameter environment: further variables for the child, as `NAME=value`.
    package static func run(environment: [String] = []) {
        let report = reportPath()
        let settings = environment + ["SWIFT_BACKTRACE=" + backtraceSettings(report)]
        // These strings live as long as the process: putenv keeps them.
        var variables = settings.map { UnsafePointer(strdup($0)) }
        variables.append(nil)
        cn_supervise(CommandLine.unsafeArgv, variables, report)
    }

    private static func backtraceSettings(_ report: String) -> String {
        let ours = "enable=yes,interactive=no,color=no,output-to=\(report)"
        guard let theirs = getenv("SWIFT_BACKTRACE").map({ String(cString: $0) }), !theirs.isEmpty else { return ours }
        return "\(ours),\(theirs)"
    }

    /// Where a crash report goes: the user's state folder, or the one for temporary files.
    private static func reportPath() -> String {
        let name = "mica-crash-\(getpid()).txt"
        let folder = stateFolder().flatMap { $0.contains(",") ? nil : $0 }
        return "\(folder ?? "/tmp")/\(name)"
    }

    /// The folder `mica` in the user's state folder, made if need be.
    private static func stateFolder() -> String? {
        let set = getenv("XDG_STATE_HOME").map { String(cString: $0) } ?? ""
        let home = getenv("HOME").map { String(cString: $0) } ?? ""
        guard !set.isEmpty || !home.isEmpty else { return nil }
        let steps = set.isEmpty ? ["\(home)/.local", "\(home)/.local/state", "\(home)/.local/state/mica"] : [set, "\(set)/mica"]
        for step in steps where mkdir(step, 0o700) != 0 && errno != EEXIST { return nil }
        return steps.last.flatMap { access($0, W_OK) == 0 ? $0 : nil }
    }
}
