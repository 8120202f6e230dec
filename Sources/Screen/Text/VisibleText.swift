/// The one place where text from outside is made harmless: tokens, names, metadata, model output, file names, error texts.
///
/// What a terminal would obey or hide becomes visible: control characters and stray bytes as `<0x1B>`, characters that reorder, hide
/// or carry nothing as `<U+202E>`. The stored text stays as it was. The rules and the attacks behind them: CVE-2021-42574 (bidi),
/// terminal escape injection through names and logs, "ASCII smuggling" with tag characters and variation selectors.
package enum VisibleText {
    /// The most combining marks shown in one cell; more are counted, as in `<+992 marks>`.
    package static let marksPerCell = 8

    /// One column or two of harmless text.
    package struct Cluster: Hashable, Sendable {
        package var base: Unicode.Scalar
        /// Combining marks, at most `marksPerCell`.
        package var marks: [Unicode.Scalar] = []
        /// Joiners and selectors of an emoji, written in plain text; a cell leaves them out, since terminals disagree on their width.
        package var joiners: [Unicode.Scalar] = []
        package var width = 1
    }

    /// Text as clusters.
    package static func clusters(_ text: String) -> [Cluster] {
        if let plain = plainClusters(text) { return plain }
        var writer = ClusterWriter()
        writer.append(text.unicodeScalars.map { .scalar($0) })
        return writer.clusters
    }

    /// Bytes as clusters: bytes that are no UTF-8 are shown as numbers.
    package static func clusters(bytes: some Sequence<UInt8>) -> [Cluster] {
        var writer = ClusterWriter()
        writer.append(UTF8Reader.elements(bytes))
        return writer.clusters
    }

    /// Harmless text for output without a screen: error lines, logs, `info`. Newlines are kept only if asked for.
    package static func line(_ text: String, keepingNewlines: Bool = false) -> String {
        guard keepingNewlines else { return string(clusters(text)) }
        return text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { string(clusters(String($0))) }.joined(separator: "\n")
    }

    /// Harmless text for bytes of unknown encoding.
    package static func line(bytes: some Sequence<UInt8>) -> String {
        string(clusters(bytes: bytes))
    }

    /// The columns a text takes on the screen.
    package static func width(_ text: String) -> Int {
        clusters(text).reduce(0) { $0 + $1.width }
    }

    /// The text cut to `columns`, with `…` in the last one where something is missing.
    package static func cut(_ text: String, to columns: Int) -> String {
        let all = clusters(text)
        guard all.reduce(0, { $0 + $1.width }) > columns else { return string(all) }
        guard columns > 0 else { return "" }
        var (kept, used) = ([Cluster](), 0)
        for cluster in all {
            guard used + cluster.width <= columns - 1 else { break }
            used += cluster.width
            kept.append(cluster)
        }
        return string(kept) + "…"
    }

    static func string(_ clusters: [Cluster]) -> String {
        var view = String.UnicodeScalarView()
        for cluster in clusters {
            view.append(cluster.base)
            view.append(contentsOf: cluster.marks)
            view.append(contentsOf: cluster.joiners)
        }
        return String(view)
    }

    /// The quick way for printable ASCII, which is nearly all text.
    private static func plainClusters(_ text: String) -> [Cluster]? {
        var result: [Cluster] = []
        result.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            guard byte >= 0x20, byte < 0x7F else { return nil }
            result.append(Cluster(base: Unicode.Scalar(byte)))
        }
        return result
    }
}
