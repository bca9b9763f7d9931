// Lists of versions: what is current, what was at a time, and everything; not what was erased.

public import Feature
import Postgres

/// Which versions a list takes in.
public struct VersionSelection: Hashable, Sendable {
    /// The definitions under which they were written; nil for any.
    public var definitions: [DefinitionID]?
    /// The moment by which they were written, microseconds since 1970; nil for now.
    public var asOf: Int64?

    /// Versions written under `definitions` by `asOf`.
    public init(definitions: [DefinitionID]? = nil, asOf: Int64? = nil) {
        self.definitions = definitions
        self.asOf = asOf
    }

    fileprivate var parameters: [Parameter] {
        [definitions.map(Parameter.int8Array) ?? .null, asOf.map(Parameter.timestamp) ?? .null]
    }
}

extension LineageQueries {
    /// The current versions of the records after `record`, in the order of record ids.
    ///
    /// - Parameters:
    ///   - record: -1 for the first page.
    ///   - limit: 1 or more.
    ///   - deleted: whether tombstones are listed too.
    /// - Returns: at most `limit`.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit) plus the tombstones passed over.
    public func current(after record: RecordID, limit: Int, deleted: Bool) throws(StoreError) -> [LineageEntry] {
        let statement = Statement.named("lineage_current", feature: feature)
        return try connection.rows(statement, [.int8(record), .int8(Int64(limit)), .bool(deleted)], decode)
    }

    /// The newest selected version of each record after `record` that was ever current, tombstones too, in the order of
    /// record ids.
    ///
    /// - Parameters:
    ///   - record: -1 for the first page.
    ///   - limit: 1 or more.
    ///   - selection: which versions count.
    /// - Returns: at most `limit`.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions of the records).
    public func latest(
        after record: RecordID, limit: Int, _ selection: VersionSelection
    ) throws(StoreError) -> [LineageEntry] {
        let statement = Statement.named("lineage_latest", feature: feature)
        return try connection.rows(
            statement, [.int8(record), .int8(Int64(limit))] + selection.parameters, decode)
    }

    /// The newest versions of records under some definitions that were ever current, as heads.
    ///
    /// - Parameters:
    ///   - records: the records.
    ///   - definitions: the definitions that count.
    /// - Returns: by record; one without a version under them, or whose newest is a tombstone, is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions of the records).
    public func heads(
        of records: [RecordID], under definitions: [DefinitionID]
    ) throws(StoreError) -> [RecordID: DescribedHead] {
        let statement = Statement.named("lineage_heads", feature: feature)
        var heads: [RecordID: DescribedHead] = [:]
        let found = try connection.rows(statement, [.int8Array(records), .int8Array(definitions)], decode)
        for entry in found where entry.kind != .deleted {
            let head = Head(
                record: entry.record, entry: entry.entry, definition: entry.definition, isLive: true,
                provenance: entry.provenance, dataVersions: entry.dataVersions)
            heads[entry.record] = DescribedHead(head: head, metadata: entry.metadata ?? Array("{}".utf8))
        }
        return heads
    }

    /// The selected versions after version `entry` of `record`, tombstones too, in the order of record ids and writing.
    ///
    /// - Parameters:
    ///   - record: -1 for the first page.
    ///   - entry: 0 for the first page.
    ///   - limit: 1 or more.
    ///   - selection: which versions count.
    /// - Returns: at most `limit`.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit) plus the versions passed over.
    public func versions(
        after record: RecordID, _ entry: EntryID, limit: Int, _ selection: VersionSelection
    ) throws(StoreError) -> [LineageEntry] {
        let statement = Statement.named("lineage_versions", feature: feature)
        return try connection.rows(
            statement, [.int8(record), .int8(entry), .int8(Int64(limit))] + selection.parameters, decode)
    }
}
