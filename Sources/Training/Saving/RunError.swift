/// Why a run cannot be opened, gone on with, or saved: the run, the rule that was broken, what to do.
package struct RunError: Error, CustomStringConvertible, Sendable {
    package let run: String
    package let rule: String
    package let remedy: String

    package init(_ run: String, _ rule: String, next remedy: String) {
        self.run = run
        self.rule = rule
        self.remedy = remedy
    }

    package var description: String { "\(run): \(rule). \(remedy)" }
}
