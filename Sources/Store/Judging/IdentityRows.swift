// Rows of units with their heads and inputs, read in place.

public import Feature
import Postgres

/// Where the values of a unit stand in its row.
struct IdentityColumns: Sendable {
    /// The first column of each dep: the entry; metadata and data versions follow.
    let deps: [Int]
    /// For each field, where the data version of each of its parents is.
    let parents: [[Int]]
    /// For each dep, the column of each slot.
    let versions: [[Slot: Int]]
    /// How many there are.
    let count: Int

    static let key = 1, entry = 2, definition = 3, state = 4, provenance = 5

    init(_ plan: FeaturePlan) {
        var next = Self.provenance + plan.fields.count
        var deps: [Int] = []
        var versions: [[Slot: Int]] = []
        for dep in plan.deps {
            deps.append(next)
            let slots = dep.slots.sorted().enumerated().map { ($1, next + 2 + $0) }
            versions.append(Dictionary(slots) { first, _ in first })
            next += 2 + slots.count
        }
        self.deps = deps
        self.versions = versions
        parents = plan.fields.map { field in field.parents.map { versions[$0.dep][$0.slot] ?? 0 } }
        count = next
    }

    /// The list of a SELECT.
    ///
    /// - Parameters:
    ///   - metadata: what the statement has as the metadata of each dep's entry; nil where neither that nor keys are wanted.
    ///   - key: what it has as the key of a record.
    func sql(_ plan: FeaturePlan, metadata: [String]?, key: String) -> String {
        var list = ["u.rid", metadata == nil ? "NULL::bytea" : key, "h.entry", "h.definition_id", "h.state"]
        list += plan.fields.map { "h.provenance[\($0.slot)]" }
        for (position, dep) in plan.deps.enumerated() {
            list += ["d\(position).entry", metadata?[position] ?? "NULL::jsonb"]
            list += dep.slots.sorted().map {
                "(coalesce(d\(position).data_version, d\(position).provenance))[\($0)]"
            }
        }
        return list.joined(separator: ",\n    ")
    }
}

/// Units with their heads and inputs, by position, in the order of record ids.
///
/// Nothing is copied before a value is asked for. Each accessor that throws does so with `.database`, where a row is not
/// what the statement asks for.
public struct IdentityRows: Sendable {
    private let rows: Rows
    private let columns: IdentityColumns
    /// For each unit its row.
    private let order: [Int]

    init(_ rows: Rows, _ columns: IdentityColumns, order: [Int]) {
        self.rows = rows
        self.columns = columns
        self.order = order
    }

    /// How many units there are.
    public var count: Int { order.count }

    /// The latest entry of a unit; 0 where it has none.
    public func entry(_ unit: Int) throws(StoreError) -> EntryID { try number(unit, IdentityColumns.entry) ?? 0 }

    /// The definition of the latest entry of a unit; 0 where it has none.
    public func definition(_ unit: Int) throws(StoreError) -> DefinitionID {
        try number(unit, IdentityColumns.definition) ?? 0
    }

    /// Whether a unit has a latest entry that is no tombstone.
    public func isLive(_ unit: Int) throws(StoreError) -> Bool {
        do { return try rows.int2(order[unit], IdentityColumns.state) == 0 } catch { throw StoreError(error) }
    }

    /// The upstream's entry by way of a dep; nil where no live record is there.
    public func input(_ unit: Int, dep: Int) throws(StoreError) -> EntryID? { try number(unit, columns.deps[dep]) }

    /// Appends the encoded key of a unit.
    ///
    /// - Returns: false where its record is not there, which no unit's may be.
    public func appendKey(_ unit: Int, to output: inout [UInt8]) -> Bool {
        rows.append(order[unit], IdentityColumns.key, to: &output)
    }

    /// Whether the provenance that a field has is that in `range` of `other`, UTF-8; nil where it has none.
    public func isProvenance(_ unit: Int, field: Int, _ other: [UInt8], in range: Range<Int>) -> Bool? {
        rows.equals(order[unit], IdentityColumns.provenance + field, other, in: range)
    }

    /// Appends the data version of a parent of a field, UTF-8.
    ///
    /// - Parameter parent: its position in `FieldPlan.parents`.
    /// - Returns: false where it has none.
    public func appendVersion(_ unit: Int, field: Int, parent: Int, to output: inout [UInt8]) -> Bool {
        rows.append(order[unit], columns.parents[field][parent], to: &output)
    }

    /// Whether the data versions of a slot of a dep were read: those of slots that no field uses are not.
    public func hasVersions(of parent: FieldPlan.Parent) -> Bool {
        columns.versions[parent.dep][parent.slot] != nil
    }

    /// Appends the data version of a slot of a dep, UTF-8.
    ///
    /// - Precondition: `hasVersions(of: parent)`.
    /// - Returns: false where it has none.
    public func appendVersion(_ unit: Int, of parent: FieldPlan.Parent, to output: inout [UInt8]) -> Bool {
        guard let column = columns.versions[parent.dep][parent.slot] else {
            preconditionFailure("the slot is not one that the feature uses")
        }
        return rows.append(order[unit], column, to: &output)
    }

    /// Appends the metadata columns of an input, a JSON object.
    ///
    /// - Returns: false where there are none.
    public func appendMetadata(_ unit: Int, dep: Int, to output: inout [UInt8]) -> Bool {
        // The first byte of jsonb on the wire is its version.
        rows.append(order[unit], columns.deps[dep] + 1, droppingFirst: 1, to: &output)
    }

    private func number(_ unit: Int, _ column: Int) throws(StoreError) -> Int64? {
        do { return try rows.int8(order[unit], column) } catch { throw StoreError(error) }
    }
}
