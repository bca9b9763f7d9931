// The progress line of export and import on a terminal.

import Foundation
import Store

/// A line on standard error that is overwritten; nothing if standard error is not a terminal.
final class Progress {
    /// Faster updates cannot be read.
    private static let interval: Duration = .milliseconds(200)

    private let verb: String
    private let isShown = isatty(STDERR_FILENO) == 1
    private var shown = ContinuousClock.now
    private var rows: Int64 = 0
    private var section: (name: String, partition: Int32?, rows: Int64) = ("", nil, 0)

    /// - Parameter verb: the first word of the line.
    init(_ verb: String) {
        self.verb = verb
    }

    /// Notes the progress of a section.
    func note(_ tally: ArchiveTally) {
        let isSame = section.name == tally.name && section.partition == tally.partition
        rows += tally.rows - (isSame ? section.rows : 0)
        section = (tally.name, tally.partition, tally.rows)
        guard isShown, ContinuousClock.now - shown >= Self.interval else { return }
        shown = .now
        write("\r\u{1B}[K\(verb): \(rows) rows, \(tally.name)")
    }

    /// Erases the line.
    func end() {
        if isShown { write("\r\u{1B}[K") }
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
