// The slots and columns that a new version of a record changes, for features downstream.

import Feature
import Store

/// What changed in a record.
struct RecordChange: Hashable, Sendable {
    /// The record.
    let record: RecordID
    /// The slots whose data version moved; nil where the record appeared or disappeared.
    let slots: Set<Slot>?
    /// The columns that moved, of those that a feature downstream watches.
    let columns: Set<String>

    /// The record appeared or disappeared.
    init(appearance record: RecordID) {
        self.init(record: record, slots: nil, columns: [])
    }

    /// Slots and columns of the record moved.
    init(record: RecordID, slots: Set<Slot>?, columns: Set<String>) {
        self.record = record
        self.slots = slots
        self.columns = columns
    }

    /// The change when a version becomes current; nil where nothing changes that a feature downstream may use.
    ///
    /// - Parameters:
    ///   - head: the current version, nil for none.
    ///   - versions: the data versions of the new version, by slot.
    ///   - provenance: its provenance, by slot.
    ///   - columns: the metadata columns that move.
    init?(_ record: RecordID, from head: Head?, to versions: [String?], provenance: [String?], columns: Set<String>) {
        guard let head, head.isLive else {
            self.init(appearance: record)
            return
        }
        let moved = versions.indices.map { Slot($0 + 1) }.filter { versions[Int($0) - 1] != head.dataVersion(at: $0) }
        var columns = columns
        if !moved.isEmpty {
            columns.formUnion([SystemColumn.dataVersion.rawValue, SystemColumn.dataVersionByField.rawValue])
        }
        let isProvenanceMoved = provenance.indices.contains { provenance[$0] != head.provenance(at: Slot($0 + 1)) }
        if isProvenanceMoved {
            columns.formUnion([SystemColumn.provenance.rawValue, SystemColumn.provenanceByField.rawValue])
        }
        guard !moved.isEmpty || !columns.isEmpty else { return nil }
        self.init(record: record, slots: Set(moved), columns: columns)
    }

    /// Whether a dep on the record's feature is touched.
    func touches(_ dep: DepPlan) -> Bool {
        guard let slots else { return true }
        return !slots.isDisjoint(with: dep.slots) || !columns.isDisjoint(with: dep.watched)
    }
}
