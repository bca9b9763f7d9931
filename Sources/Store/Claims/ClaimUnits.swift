// The units of a batch, as they were handed out.

public import Feature
public import Postgres

/// One unit as it was handed out.
public struct ClaimedUnit: Hashable, Sendable {
    /// The unit.
    public let record: RecordID
    /// The head's entry at that moment; 0 where there was none.
    public let base: EntryID
    /// Which attempt this is, 1 for the first.
    public let attempt: Int16
    /// The provenance that its result will have, by slot of the definition's fields in the order of the spec.
    public let provenance: [String]
    /// The upstream entries it is to be made from, by dep.
    public let parents: [[ParentEntry]]

    /// The unit of these values.
    public init(record: RecordID, base: EntryID, attempt: Int16, provenance: [String], parents: [[ParentEntry]]) {
        self.record = record
        self.base = base
        self.attempt = attempt
        self.provenance = provenance
        self.parents = parents
    }
}

/// The units of a batch as columns, ascending by record id.
public struct ClaimUnits: Sendable {
    /// How many fields the definition has, and how many deps.
    public let fields: Int, deps: Int
    /// The units.
    public private(set) var records: [RecordID] = []
    /// The head's entry of each at that moment; 0 where there was none.
    public private(set) var bases: [EntryID] = []
    /// Which attempt each is.
    public private(set) var attempts: [Int16] = []
    /// The provenance that the results will have, `fields` for each unit.
    public private(set) var provenance = ByteColumn()
    /// The entries that each is to be made from, dep after dep.
    public private(set) var parents: [EntryID] = []
    /// Their records.
    private(set) var parentRecords: [RecordID] = []
    /// How many belong to each dep, `deps` for each unit.
    private(set) var parentCounts: [Int32] = []
    /// Where the parents of each unit begin, where not every dep has exactly one.
    private var starts: [Int]?
    /// Whether every parent has its unit's own record id, or is missing.
    public private(set) var areParentsOwn = true
    /// Whether each dep has exactly one.
    public var areParentsSingle: Bool { starts == nil }

    /// No units.
    public init(fields: Int, deps: Int) {
        self.fields = fields
        self.deps = deps
    }

    /// Units as they are stored.
    ///
    /// - Parameters:
    ///   - parentRecords: nil where every parent has its unit's own record id.
    ///   - parentCounts: nil where each dep has exactly one.
    init(
        fields: Int, deps: Int, records: [RecordID], bases: [EntryID], attempts: [Int16], provenance: ByteColumn,
        parents: [EntryID], parentRecords: [RecordID]?, parentCounts: [Int32]?
    ) {
        self.init(fields: fields, deps: deps)
        self.records = records
        self.bases = bases
        self.attempts = attempts
        self.provenance = provenance
        self.parents = parents
        areParentsOwn = parentRecords == nil
        self.parentRecords = parentRecords ?? []
        self.parentCounts = parentCounts ?? []
        guard let parentCounts else { return }
        var starts: [Int] = []
        var next = 0
        for unit in records.indices {
            starts.append(next)
            next += parentCounts[unit * deps..<(unit + 1) * deps].reduce(0) { $0 + Int($1) }
        }
        self.starts = starts
    }

    /// Appends a unit.
    ///
    /// - Parameters:
    ///   - provenance: the value of each of its fields.
    ///   - parents: the entries it is to be made from, by dep.
    public mutating func append(
        _ record: RecordID, base: EntryID, attempt: Int16, provenance values: [ArraySlice<UInt8>],
        parents entries: [[ParentEntry]]
    ) {
        records.append(record)
        bases.append(base)
        attempts.append(attempt)
        for value in values { provenance.append(value) }
        let start = parents.count
        for dep in entries {
            parentCounts.append(Int32(dep.count))
            for parent in dep {
                parents.append(parent.entry)
                parentRecords.append(parent.record)
                if parent.entry != 0 && parent.record != record { areParentsOwn = false }
            }
        }
        if starts != nil {
            starts?.append(start)
        } else if entries.contains(where: { $0.count != 1 }) {
            starts = (0..<records.count).map { $0 * deps }
        }
    }

    /// Bytes that they take in memory, about.
    public var size: Int {
        let numbers = records.count + bases.count + parents.count + parentRecords.count + (starts?.count ?? 0)
        return 8 * numbers + 2 * attempts.count + 4 * (parentCounts.count + provenance.count) + provenance.bytes.count
    }

    /// The provenance that a unit's results will have in a field.
    public func provenance(_ unit: Int, field: Int) -> ArraySlice<UInt8> { provenance[unit * fields + field] ?? [] }

    /// The upstream entries a unit is to be made from, by dep.
    public func parents(of unit: Int) -> [[ParentEntry]] {
        var next = starts?[unit] ?? unit * deps
        return (0..<deps).map { dep in
            let count = starts == nil ? 1 : Int(parentCounts[unit * deps + dep])
            defer { next += count }
            return (next..<next + count).map { place in
                let entry = parents[place]
                let record = areParentsOwn ? (entry == 0 ? 0 : records[unit]) : parentRecords[place]
                return ParentEntry(entry: entry, record: record)
            }
        }
    }
}

extension ClaimUnits: RandomAccessCollection {
    /// 0.
    public var startIndex: Int { 0 }
    /// The number of units.
    public var endIndex: Int { records.count }

    /// The unit at `index` by itself.
    public subscript(index: Int) -> ClaimedUnit {
        ClaimedUnit(
            record: records[index], base: bases[index], attempt: attempts[index],
            provenance: (0..<fields).map { String(decoding: provenance(index, field: $0), as: UTF8.self) },
            parents: parents(of: index))
    }
}
