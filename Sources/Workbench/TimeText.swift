/// Spans of time for people.
enum TimeText {
    /// `0:42`, `20:12`, `1:02:05`, from a hundred hours in days.
    static func of(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "–" }
        let all = Int(max(seconds, 0).rounded())
        if all >= 360_000 { return "\(all / 86400) days" }
        let (hours, seconds) = (all / 3600, two(all % 60))
        return hours > 0 ? "\(hours):\(two(all / 60 % 60)):\(seconds)" : "\(all / 60):\(seconds)"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
