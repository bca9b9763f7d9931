// The records of an increment as columns.

public import Feature
import JSON
public import Postgres

/// Records of an increment, in their order: a few buffers instead of an object for each record.
public struct IncrementRows: Sendable {
    /// How a record stands: the same for most records of a page.
    public struct Standing: Hashable, Sendable {
        /// New, stale or orphaned, also where it is blocked.
        public let state: UnitState
        /// Whether its inputs are not settled.
        public let isBlocked: Bool
        /// Its fields that are not as they should be.
        public let staleFields: [StaleField]
    }

    /// How many fields the feature has.
    public let fields: Int
    /// The records; -1 for a sample that was never stored.
    public private(set) var records: [RecordID] = []
    /// The values of their id columns, encoded as `RecordKey` does.
    public private(set) var keys = ByteColumn()
    /// The columns that a worker sees, as the members of a JSON object without its braces.
    public private(set) var members = ByteColumn()
    /// The provenance that they should have, `fields` for each record.
    public private(set) var provenance = ByteColumn()
    /// The provenance of each record as a whole.
    public private(set) var recordProvenance = ByteColumn()
    /// The different ways in which they stand.
    public private(set) var standings: [Standing] = []
    /// How each record stands, by position in `standings`.
    public private(set) var standing: [Int] = []

    /// No records.
    init(fields: Int) {
        self.fields = fields
    }

    /// Records of a feature one by one.
    init(_ records: [IncrementRecord], fields: Int) {
        self.init(fields: fields)
        for record in records { append(record) }
    }

    /// The number of a standing; equal ones have one.
    mutating func number(of standing: Standing) -> Int {
        if let known = standings.firstIndex(of: standing) { return known }
        standings.append(standing)
        return standings.count - 1
    }

    /// Begins a record, of which each part is then appended by `write…`.
    mutating func append(_ record: RecordID, standing number: Int) {
        records.append(record)
        standing.append(number)
    }

    /// Takes the encoded key of the record.
    mutating func writeKey(_ write: (inout [UInt8]) -> Void) { keys.append(writing: write) }

    /// Takes the members of the record.
    mutating func writeMembers(_ write: (inout [UInt8]) -> Void) { members.append(writing: write) }

    /// Takes the provenance of the record's fields: in `bytes` from 0 on, each ending where `ends` says.
    mutating func writeProvenance(_ bytes: [UInt8], ends: [Int], _ write: (inout [UInt8]) -> Void) {
        var start = 0
        for end in ends {
            provenance.append(bytes, in: start..<end)
            start = end
        }
        recordProvenance.append(writing: write)
    }

    /// Takes a record whole.
    mutating func append(_ record: IncrementRecord) {
        append(
            record.record,
            standing: number(
                of: Standing(state: record.state, isBlocked: record.isBlocked, staleFields: record.staleFields)))
        writeKey { record.key.encode(into: &$0) }
        var writer = JSONWriter()
        for column in record.columns {
            writer.key(column.name)
            writer.raw(column.value)
        }
        members.append(writer.bytes)
        for value in record.provenance { provenance.append(value) }
        recordProvenance.append(record.recordProvenance)
    }

    /// Takes a record of `other`.
    mutating func append(_ index: Int, of other: IncrementRows) {
        append(other.records[index], standing: number(of: other.standings[other.standing[index]]))
        keys.append(index, of: other.keys)
        members.append(index, of: other.members)
        for field in 0..<fields { provenance.append(index * fields + field, of: other.provenance) }
        recordProvenance.append(index, of: other.recordProvenance)
    }

    /// Takes all records of `other`.
    mutating func append(contentsOf other: IncrementRows) {
        let numbers = other.standings.map { number(of: $0) }
        records += other.records
        standing += other.standing.map { numbers[$0] }
        keys.append(contentsOf: other.keys)
        members.append(contentsOf: other.members)
        provenance.append(contentsOf: other.provenance)
        recordProvenance.append(contentsOf: other.recordProvenance)
    }

    /// Those at `indices`, in their order.
    func picking(_ indices: [Int]) -> IncrementRows {
        if indices.count == count, indices.elementsEqual(0..<count) { return self }
        var picked = IncrementRows(fields: fields)
        for index in indices { picked.append(index, of: self) }
        return picked
    }
}

extension IncrementRows: RandomAccessCollection {
    /// 0.
    public var startIndex: Int { 0 }
    /// The number of records.
    public var endIndex: Int { records.count }

    /// The record at `index` by itself.
    public subscript(index: Int) -> IncrementRecord {
        let standing = standings[standing[index]]
        return IncrementRecord(
            record: records[index], key: RecordKey(encoded: Array(keys[index] ?? [])) ?? RecordKey([]),
            state: standing.state, isBlocked: standing.isBlocked,
            columns: Self.columns(members[index] ?? []), staleFields: standing.staleFields,
            provenance: (0..<fields).map { Self.text(provenance[index * fields + $0]) },
            recordProvenance: Self.text(recordProvenance[index]))
    }

    private static func columns(_ members: ArraySlice<UInt8>) -> [RowColumn] {
        do {
            return try RowColumn.columns([UInt8(ascii: "{")] + members + [UInt8(ascii: "}")])
        } catch {
            preconditionFailure("members of a record that are no JSON: \(error)")
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>?) -> String? {
        bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}

extension ByteColumn {
    /// Appends a text or NULL.
    fileprivate mutating func append(_ text: String?) {
        if let text { append(text.utf8) } else { appendNull() }
    }
}
