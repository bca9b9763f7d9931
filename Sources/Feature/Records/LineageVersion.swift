// A version of a record that is about to be appended to the lineage.

/// Why a lineage entry was written.
public enum LineageKind: Int16, Hashable, Sendable, CaseIterable {
    /// Sent by a client with `POST /v1/records`.
    case written = 0
    /// The result of a claim.
    case computed = 1
    /// An earlier version of the record, current again because the definitions went back.
    case reverted = 2
    /// A tombstone.
    case deleted = 3
    /// The version before a tombstone, current again.
    case restored = 4
    /// The same data under another definition.
    case rebased = 5
    /// The result of a claim that came too late to become current.
    case late = 6
}

/// A lineage entry that a record was made from.
public struct ParentEntry: Hashable, Sendable {
    /// The entry; 0 stands for an optional upstream record that did not exist.
    public let entry: EntryID
    /// The record that it is a version of; 0 beside entry 0.
    public let record: RecordID

    /// The entry `entry` of `record`.
    public init(entry: EntryID, record: RecordID) {
        self.entry = entry
        self.record = record
    }
}

/// One version of one record, ready to be appended.
public struct LineageVersion: Hashable, Sendable {
    /// The record.
    public let record: RecordID
    /// Why it is written.
    public let kind: LineageKind
    /// The provenance of each slot, slot 1 first.
    public let provenance: [String?]
    /// The data version of each slot; nil where each equals its provenance.
    public let dataVersions: [String?]?
    /// What it was made from, by dep in the order of the definition. Empty for a root.
    public let parents: [[ParentEntry]]
    /// The metadata columns as a JSON object.
    public let metadata: [UInt8]

    /// Whether this becomes the head. What something newer has overtaken does not.
    public var becomesHead: Bool { kind != .late }

    /// The version of these values.
    public init(
        record: RecordID, kind: LineageKind, provenance: [String?], dataVersions: [String?]?,
        parents: [[ParentEntry]], metadata: [UInt8]
    ) {
        self.record = record
        self.kind = kind
        self.provenance = provenance
        self.dataVersions = dataVersions
        self.parents = parents
        self.metadata = metadata
    }
}
