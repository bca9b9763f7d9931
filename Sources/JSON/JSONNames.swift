// Names that a caller looks for.

import Base

/// Some names, to be told apart in what is read: one buffer, so that looking for one counts no references.
public struct JSONNames: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    /// Names in the order of their numbers.
    public init(_ names: [String]) {
        for name in names {
            bytes += name.utf8
            ends.append(bytes.count)
        }
    }

    /// The first of the names that is `text`.
    func index(of text: RawSpan) -> Int? {
        var start = 0
        for index in ends.indices {
            let end = ends[index]
            if bytes.span.bytes.extracting(start..<end).isSame(as: text) { return index }
            start = end
        }
        return nil
    }
}
