// The member names of one object, to find one that comes twice.

import JSON

/// Names compared byte by byte. Few are scanned, many are hashed, so that an object of a million members costs no more
/// than its length.
struct NameSet {
    private static let scanMax = 16

    /// Where names without escapes stand in the reader's bytes.
    private var few: [Range<Int>] = []
    private var many: Set<ArraySlice<UInt8>> = []

    /// Adds the name that `reader` has just read, always the same one between two calls of `removeAll`.
    ///
    /// - Returns: false where it is there already.
    mutating func insert(_ name: JSONText, _ reader: JSONReader) -> Bool {
        if many.isEmpty, !name.isEscaped, few.count < Self.scanMax {
            let range = name.range
            for other in few where other.count == range.count {
                if reader.hasSameBytes(other, range) { return false }
            }
            few.append(range)
            return true
        }
        if many.isEmpty { many = Set(few.map { reader.bytes[$0] }) }
        return many.insert(name.isEscaped ? ArraySlice(reader.string(name).utf8) : reader.bytes[name.range]).inserted
    }

    /// Forgets all names and keeps the memory.
    mutating func removeAll() {
        few.removeAll(keepingCapacity: true)
        if !many.isEmpty { many.removeAll() }
    }
}
