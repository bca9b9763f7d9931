// Versions of records as columns, as the lineage takes them.

public import Feature
public import Postgres

/// Versions of records as columns.
public struct VersionColumns: Sendable {
    /// The records, each at most once.
    public var records: [RecordID]
    /// Whether the record has no head yet.
    public var isFresh: [Bool]
    /// Encoded keys of the records that have no head yet and a short key, NULL for the others. No values where keys are not at
    /// hand.
    public private(set) var keys = ByteColumn()
    /// Digests of the versions, 16 bytes each; no values where none is kept.
    public var fingerprints: ByteColumn
    /// Metadata columns, JSON objects.
    public var metadata: ByteColumn
    /// Provenance by slot.
    public var provenance: [ByteColumn]
    /// Whether some data version differs from its provenance.
    public var isOverridden: [Bool]
    /// Data versions by slot; needed only where some are overridden.
    public var dataVersions: [ByteColumn]
    /// The entries that the versions were made from, by dep: entries of the version's own record, 0 where there is none. Empty for
    /// a root, and where `lists` is set.
    public var parents: [[EntryID]]
    /// Parents of any kind; nil where `parents` has them.
    var lists: ParentLists?
    /// Why each version is written; one value where all have the same.
    var kinds: [LineageKind] = []

    /// Versions of `records`.
    public init(
        records: [RecordID], isFresh: [Bool], fingerprints: ByteColumn, metadata: ByteColumn,
        provenance: [ByteColumn], isOverridden: [Bool], dataVersions: [ByteColumn], parents: [[EntryID]] = []
    ) {
        self.records = records
        self.isFresh = isFresh
        self.fingerprints = fingerprints
        self.metadata = metadata
        self.provenance = provenance
        self.isOverridden = isOverridden
        self.dataVersions = dataVersions
        self.parents = parents
    }

    /// The columns of some versions.
    ///
    /// - Parameters:
    ///   - fresh: the records that have no head yet.
    ///   - slots: how many slots the feature has.
    init(_ versions: [LineageVersion], fresh: Set<RecordID>, slots: Int) {
        let empty = Array(repeating: ByteColumn(), count: slots)
        self.init(
            records: versions.map(\.record), isFresh: versions.map { fresh.contains($0.record) },
            fingerprints: ByteColumn(), metadata: ByteColumn(), provenance: empty,
            isOverridden: versions.map { $0.dataVersions != nil }, dataVersions: empty)
        for version in versions {
            metadata.append(version.metadata[...])
            for slot in 0..<slots {
                Self.append(version.provenance, slot, to: &provenance[slot])
                Self.append(version.dataVersions ?? [], slot, to: &dataVersions[slot])
            }
        }
        lists = ParentLists(versions)
        kinds = versions.map(\.kind)
    }

    private static func append(_ texts: [String?], _ slot: Int, to column: inout ByteColumn) {
        guard slot < texts.count, let text = texts[slot] else { return column.appendNull() }
        column.append(text.utf8)
    }

    /// Why the version of a row is written.
    func kind(_ row: Int) -> LineageKind { kinds[kinds.count == 1 ? 0 : row] }

    /// Keys up to this many bytes are kept beside heads: longer ones would make heads that many read longer for few.
    static let keptKeyBytesMax = 128

    /// Takes the encoded key of the next record.
    ///
    /// - Parameter index: where it is in `column`; nil where the record has a head.
    public mutating func appendKey(_ index: Int?, of column: ByteColumn) {
        guard let index, let range = column.range(index), range.count <= Self.keptKeyBytesMax else {
            return keys.appendNull()
        }
        keys.append(column.bytes, in: range)
    }

    /// Takes the encoded key of the next record; nil where it has a head.
    public mutating func appendKey(_ key: [UInt8]?) {
        guard let key, key.count <= Self.keptKeyBytesMax else { return keys.appendNull() }
        keys.append(key)
    }
}

/// The parents of many versions, flattened: entries version after version, and in each dep after dep.
struct ParentLists: Sendable {
    /// Entries and their records.
    private(set) var entries: [EntryID] = []
    private(set) var records: [RecordID] = []
    /// How many parents each dep of each version has; not kept where every dep has one.
    private(set) var counts: [Int32] = []
    /// Where the entries of each version end, and where its counts do.
    private(set) var entryEnds: [Int32] = []
    private(set) var countEnds: [Int32] = []
    /// Whether all parents of a version are entries of its own record, and whether each of its deps has exactly one.
    private(set) var isOwnRecord: [Bool] = []
    private(set) var isSingle: [Bool] = []

    /// Parents of any kind.
    init(_ versions: [LineageVersion]) {
        for version in versions {
            var own = true
            for dep in version.parents {
                counts.append(Int32(dep.count))
                for parent in dep {
                    entries.append(parent.entry)
                    records.append(parent.record)
                    own = own && (parent.record == version.record || parent.entry == 0)
                }
            }
            entryEnds.append(Int32(entries.count))
            countEnds.append(Int32(counts.count))
            isOwnRecord.append(own)
            isSingle.append(version.parents.allSatisfy { $0.count == 1 })
        }
    }

    /// Parents that are entries of the versions' own records, one for each dep.
    ///
    /// - Parameter deps: by dep, an entry for each version.
    init(ownEntries deps: [[EntryID]], count: Int) {
        entries.reserveCapacity(deps.count * count)
        for row in 0..<count { for dep in deps { entries.append(dep[row]) } }
        entryEnds = (0..<count).map { Int32(($0 + 1) * deps.count) }
        countEnds = entryEnds
        isOwnRecord = Array(repeating: true, count: count)
        isSingle = isOwnRecord
    }

    /// The entries of a version.
    func entries(_ row: Int) -> ArraySlice<EntryID> { entries[Self.range(row, entryEnds)] }

    /// The records of the entries of a version; nil where all are its own.
    func records(_ row: Int) -> ArraySlice<RecordID>? {
        isOwnRecord[row] ? nil : records[Self.range(row, entryEnds)]
    }

    /// How many parents each dep of a version has; nil where each has one.
    func counts(_ row: Int) -> ArraySlice<Int32>? { isSingle[row] ? nil : counts[Self.range(row, countEnds)] }

    /// Whether a version has deps.
    func hasDeps(_ row: Int) -> Bool { !Self.range(row, countEnds).isEmpty }

    private static func range(_ row: Int, _ ends: [Int32]) -> Range<Int> {
        (row == 0 ? 0 : Int(ends[row - 1]))..<Int(ends[row])
    }
}
