// The member names of one object, to find one that comes twice.

import JSON

/// Names compared byte by byte. Few are scanned, many are hashed, so that an object of a million members costs no more
/// than its length.
struct NameSet {
    private static let scanMax = 16

    private var few: [ArraySlice<UInt8>] = []
    private var many: Set<ArraySlice<UInt8>> = []

    /// Adds the name that `reader` has just read.
    ///
    /// - Returns: false where it is there already.
    mutating func insert(_ name: JSONText, _ reader: JSONReader) -> Bool {
        let bytes = name.isEscaped ? ArraySlice(reader.string(name).utf8) : reader.bytes[name.range]
        if !many.isEmpty { return many.insert(bytes).inserted }
        if few.contains(where: { $0.count == bytes.count && $0 == bytes }) { return false }
        few.append(bytes)
        if few.count > Self.scanMax { many = Set(few) }
        return true
    }

    /// Forgets all names and keeps the memory.
    mutating func removeAll() {
        few.removeAll(keepingCapacity: true)
        many.removeAll()
    }
}
