// How far long work is, on a terminal.

import Foundation
import Store

/// A line of standard error that is written again and again; nothing where that is no terminal.
final class Progress {
    /// People read no faster.
    private static let interval: Duration = .milliseconds(200)

    private let verb: String
    private let isShown = isatty(STDERR_FILENO) == 1
    private var shown = ContinuousClock.now
    private var rows: Int64 = 0
    private var section: (name: String, partition: Int32?, rows: Int64) = ("", nil, 0)

    /// Progress of what is named by a verb.
    init(_ verb: String) {
        self.verb = verb
    }

    /// Takes down how far a section is.
    func note(_ tally: ArchiveTally) {
        let isSame = section.name == tally.name && section.partition == tally.partition
        rows += tally.rows - (isSame ? section.rows : 0)
        section = (tally.name, tally.partition, tally.rows)
        guard isShown, ContinuousClock.now - shown >= Self.interval else { return }
        shown = .now
        write("\r\u{1B}[K\(verb): \(rows) rows, \(tally.name)")
    }

    /// Takes the line away.
    func end() {
        if isShown { write("\r\u{1B}[K") }
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
