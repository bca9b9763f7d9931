// The versions that rows of a root make, and the changes that follow downstream.

import Feature
import Postgres
import Store

/// Rows that differ from the stored versions, in the form that the lineage takes, and the changes that they make.
///
/// It is made from values that were read, so a session beside the one that writes can make it.
struct RootChange: Sendable {
    /// The positions of the rows in their part.
    private(set) var positions: [Int] = []
    /// Whether the record of each does not exist, or was deleted.
    private(set) var isNew: [Bool] = []
    /// The rows as the lineage takes them.
    private(set) var columns: VersionColumns
    /// The records that appear.
    private(set) var appeared: [RecordID] = []
    /// The changes that features downstream may use.
    private(set) var moves: [RecordChange] = []

    /// The change that `rows` make.
    ///
    /// - Parameter compared: the differences between the metadata of rows and heads, for the rows where these count.
    /// - Complexity: O(differing rows · slots).
    init(_ rows: RootRows, _ found: RootComparison, compared: [RecordID: ComparedHead]) {
        var isFresh: [Bool] = []
        for (index, standing) in found.standings.enumerated() {
            let position = found.positions[index]
            let record = rows.records[position]
            switch standing {
            case .none, .deleted:
                isNew.append(true)
                appeared.append(record)
                moves.append(RecordChange(appearance: record))
            case .live(let number, let isSame):
                let metadata = compared[record]
                if isSame, metadata?.hasSameMetadata == true { continue }
                isNew.append(false)
                let known = found.moves[number]
                let columns = metadata.map { known.columns.union($0.moved) } ?? known.columns
                if !known.slots.isEmpty || !columns.isEmpty {
                    moves.append(RecordChange(record: record, slots: known.slots, columns: columns))
                }
            }
            positions.append(position)
            if case .none = standing { isFresh.append(true) } else { isFresh.append(false) }
        }
        columns = Self.columns(rows, positions, isFresh)
    }

    /// The rows at `positions` as the lineage takes them.
    private static func columns(_ rows: RootRows, _ positions: [Int], _ isFresh: [Bool]) -> VersionColumns {
        let part = rows.part
        let shape = part.shape
        var absent = ByteColumn()
        for _ in positions { absent.appendNull() }
        var provenance = [ByteColumn](repeating: absent, count: shape.slotCount)
        for (field, slot) in shape.slots.enumerated() {
            provenance[Int(slot) - 1] = part.provenance[field].picking(positions)
        }
        var versions = VersionColumns(
            records: positions.map { rows.records[$0] }, isFresh: isFresh,
            fingerprints: part.fingerprints.picking(positions), metadata: part.metadata.picking(positions),
            provenance: provenance, isOverridden: Array(repeating: false, count: positions.count), dataVersions: [])
        for (position, isFresh) in zip(positions, isFresh) {
            versions.appendKey(isFresh ? position : nil, of: part.keys)
        }
        guard part.hasDataVersions else { return versions }
        versions.dataVersions = [ByteColumn](repeating: absent, count: shape.slotCount)
        for (field, slot) in shape.slots.enumerated() {
            var column = ByteColumn()
            for (index, position) in positions.enumerated() {
                let value = part.provenance[field][position] ?? []
                let data = part.dataVersion(of: field, position).map { $0.bytes[$0.range] } ?? value
                column.append(data)
                if data != value { versions.isOverridden[index] = true }
            }
            versions.dataVersions[Int(slot) - 1] = column
        }
        return versions
    }
}
