// Records that are read by a walk along their range.

import Feature

/// A range of record ids most of which are wanted: walking along it costs less than to look up one after the other.
struct RecordWalk {
    /// The range, both ends included.
    let first: RecordID, last: RecordID
    /// Which ids of it are wanted, by distance from the first.
    private var isWanted: [Bool]

    /// Fewer records than this are looked up one by one.
    static let recordsMin = 256

    /// The walk that finds `records`.
    ///
    /// - Returns: nil where too few are wanted, or less than half of their range.
    /// - Complexity: O(records).
    init?(_ records: [RecordID]) {
        guard records.count >= Self.recordsMin, let first = records.min(), let last = records.max(),
            last - first < 2 * RecordID(records.count)
        else { return nil }
        self.first = first
        self.last = last
        isWanted = [Bool](repeating: false, count: Int(last - first) + 1)
        for record in records { isWanted[Int(record - first)] = true }
    }

    /// Whether a record of the range is wanted.
    func contains(_ record: RecordID) -> Bool { isWanted[Int(record - first)] }
}
