// The lines of an archive that comes in pieces.

/// Cuts pieces of bytes into lines.
struct ArchiveLines {
    private var piece: [UInt8] = []
    private var position = 0
    /// The number of the line that was taken last, from 1.
    private(set) var number = 0

    /// The next line, without its end; nil at the end.
    ///
    /// - Parameter more: gives the next piece; nil at the end.
    /// - Throws: `.cut` where the last line has no end, and what `more` throws.
    mutating func next(_ more: () throws(ArchiveError) -> [UInt8]?) throws(ArchiveError) -> [UInt8]? {
        var line: [UInt8] = []
        while true {
            if let end = piece[position...].firstIndex(of: UInt8(ascii: "\n")) {
                line += piece[position..<end]
                position = end + 1
                number += 1
                return line
            }
            line += piece[position...]
            guard let next = try more() else {
                guard line.isEmpty else { throw .cut }
                (piece, position) = ([], 0)
                return nil
            }
            (piece, position) = (next, 0)
        }
    }
}
