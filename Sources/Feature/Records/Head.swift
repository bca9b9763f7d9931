// The latest version of a record.

/// The latest lineage entry of a record, as far as comparisons need it.
public struct Head: Hashable, Sendable {
    /// The record.
    public let record: RecordID

    /// Its latest lineage entry.
    public let entry: EntryID

    /// The definition under which that entry was written.
    public let definition: DefinitionID

    /// False where the record is soft-deleted.
    public let isLive: Bool

    /// The provenance of each slot, slot 1 first. Nil where the definition had no such field.
    public let provenance: [String?]

    /// The data version of each slot. Nil where each equals its provenance.
    public let dataVersions: [String?]?

    /// The head of these values.
    public init(
        record: RecordID, entry: EntryID, definition: DefinitionID, isLive: Bool, provenance: [String?],
        dataVersions: [String?]?
    ) {
        self.record = record
        self.entry = entry
        self.definition = definition
        self.isLive = isLive
        self.provenance = provenance
        self.dataVersions = dataVersions
    }

    /// The provenance of a field, nil where this version has no such field.
    public func provenance(at slot: Slot) -> String? {
        Self.value(provenance, slot)
    }

    /// The data version of a field, nil where this version has no such field.
    public func dataVersion(at slot: Slot) -> String? {
        Self.value(dataVersions ?? provenance, slot)
    }

    private static func value(_ values: [String?], _ slot: Slot) -> String? {
        let index = Int(slot) - 1
        return index < values.count ? values[index] : nil
    }
}
