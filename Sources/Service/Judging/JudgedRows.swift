// Units judged together, as columns.

import Feature
import Postgres
import Store

/// Judged units, in order.
///
/// Most are judged as columns. Units that need more are judged one by one, and are kept in that form too.
struct JudgedRows {
    /// The units.
    private(set) var units: [RecordID] = []
    /// The state of each; a unit with an earlier version that fits counts as up to date.
    private(set) var states: [UnitState] = []
    /// Whether each has a live record.
    private(set) var isLive: [Bool] = []
    /// Each unit's row; -1 where it has none, for it needs no work or was only counted.
    private(set) var row: [Int] = []
    /// Those that are new, stale or orphaned, where they were to be described.
    private(set) var rows: IncrementRows
    /// For each row, the latest entry of its unit; 0 where it has none.
    private(set) var bases: [EntryID] = []
    /// For each row and dep, the entry that goes into it; 0 where there is none. Of those judged one by one unused.
    private(set) var inputs: [EntryID] = []
    /// By position, those that were judged one by one.
    private(set) var single: [Int: JudgedUnit] = [:]

    init(fields: Int) {
        rows = IncrementRows(fields: fields)
    }

    /// How many units there are.
    var count: Int { units.count }

    /// The kind under which an increment lists a unit; nil where it is not part of one.
    func kind(_ position: Int) -> IncrementKind? {
        if let judged = single[position] { return judged.kind }
        switch states[position] {
        case .new: return .new
        case .stale: return .stale
        case .orphaned: return .orphaned
        case .upToDate, .suppressed, .absent: return nil
        }
    }

    /// The expected provenance of the unit at a position, which has a row, field by field.
    func provenance(at position: Int) -> [ArraySlice<UInt8>] {
        let first = row[position] * rows.fields
        return (first..<first + rows.fields).map { rows.provenance[$0] ?? [] }
    }

    /// Whether the unit at a position, which has a row, has this expected provenance.
    func isExpected(_ provenance: [String], at position: Int) -> Bool {
        let expected = self.provenance(at: position)
        return expected.count == provenance.count && zip(expected, provenance).allSatisfy { $0.elementsEqual($1.utf8) }
    }

    /// The upstream entries that a row's unit follows from, by dep.
    func parents(_ position: Int) -> [[ParentEntry]] {
        if let judged = single[position] { return judged.judgement.expectation?.parents ?? [] }
        let unit = units[position]
        let deps = rows.count > 0 ? inputs.count / rows.count : 0
        return inputs[row[position] * deps..<(row[position] + 1) * deps].map { entry in
            [ParentEntry(entry: entry, record: entry == 0 ? 0 : unit)]
        }
    }

    /// Appends a unit without a row.
    mutating func append(_ unit: RecordID, _ state: UnitState, isLive live: Bool) {
        units.append(unit)
        states.append(state)
        isLive.append(live)
        row.append(-1)
    }

    /// Appends a unit whose row is the `index`th of `rows`, with the entries in `inputs` from there on.
    mutating func append(
        _ unit: RecordID, _ state: UnitState, isLive live: Bool, row index: Int, of rows: IncrementRows, base: EntryID,
        inputs: ArraySlice<EntryID>
    ) {
        append(unit, state, isLive: live)
        row[units.count - 1] = self.rows.count
        self.rows.append(index, of: rows)
        bases.append(base)
        self.inputs += inputs
    }

    /// Appends a unit that was judged by itself.
    mutating func append(_ unit: RecordID, _ judged: JudgedUnit, _ record: IncrementRecord?, deps: Int) {
        append(unit, judged.state, isLive: judged.head?.isLive == true)
        single[units.count - 1] = judged
        guard let record else { return }
        row[units.count - 1] = rows.count
        rows.append(record)
        bases.append(judged.head?.entry ?? 0)
        inputs += Array(repeating: 0, count: deps)
    }

    /// Appends a unit of others that were all judged by themselves.
    mutating func append(_ position: Int, of other: JudgedRows, deps: Int) {
        guard let judged = other.single[position] else { preconditionFailure("judged as columns") }
        let row = other.row[position]
        append(other.units[position], judged, row < 0 ? nil : other.rows[row], deps: deps)
    }

    /// Takes over units that were judged as columns, all of them in order.
    init(
        _ units: [RecordID], _ states: [UnitState], isLive: [Bool], row: [Int], rows: IncrementRows,
        bases: [EntryID], inputs: [EntryID]
    ) {
        self.units = units
        self.states = states
        self.isLive = isLive
        self.row = row
        self.rows = rows
        self.bases = bases
        self.inputs = inputs
    }
}
