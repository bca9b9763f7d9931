// Judges units of identity deps as columns: no object for a unit, its head or its inputs.

import Feature
import Store

/// The result of judging units as columns.
struct IdentityVerdicts {
    var states: [UnitState] = []
    var isLive: [Bool] = []
    var row: [Int] = []
    var rows: IncrementRows
    var bases: [EntryID] = []
    var inputs: [EntryID] = []
    /// Positions of units that have to be judged one by one.
    var doubtful: [Int] = []
    /// Positions of stale units of an earlier definition: an earlier version may fit.
    var returning: [Int] = []
    /// The expected provenance of these, field after field.
    var wanted: [[String]] = []
}

/// Compares units with their inputs by the rules of `Expecter.judge`, from the bytes that the database sent.
///
/// It passes on units that may be blocked, orphaned units, units whose inputs lack a data version, and units of earlier
/// definitions that used other inputs.
struct IdentityJudge {
    private let plan: FeaturePlan
    private let isDescribed: Bool
    /// By definition that is not current, how it computed each field.
    private let earlier: [DefinitionID: [Slot: EarlierField]]
    private let members: UpstreamMembers
    private var hasher: RecordHasher
    private var verdicts: IdentityVerdicts
    /// Expected provenance of the unit at hand, and where that of each field ends.
    private var expected: [UInt8] = []
    private var ends: [Int] = []
    private var entries: [EntryID] = []
    private var earlierText: [UInt8] = []
    /// For each field why it is stale, 0 where it is not: bits in the order of `StaleCause`.
    private var causes: [UInt8] = []
    private var lastCauses: (isNew: Bool, causes: [UInt8], number: Int)?

    init(_ plan: FeaturePlan, isDescribed: Bool, earlier: [DefinitionID: [Slot: EarlierField]]) {
        self.plan = plan
        self.isDescribed = isDescribed
        self.earlier = earlier
        members = UpstreamMembers(plan)
        hasher = RecordHasher(plan.hash)
        verdicts = IdentityVerdicts(rows: IncrementRows(fields: plan.fields.count))
    }

    /// Judges all of `rows`.
    ///
    /// - Parameters:
    ///   - units: the units of the rows.
    ///   - mayBeBlocked: for each block, units that have to be looked at one by one where they need work.
    /// - Complexity: O(units · fields · parents); allocates for pages, not for units.
    mutating func judge(
        _ rows: IdentityRows, _ units: [RecordID], mayBeBlocked: [Int32: BlockBits]
    ) throws(StoreError) -> IdentityVerdicts {
        for unit in 0..<rows.count {
            let entry = try rows.entry(unit)
            let isLive = entry == 0 ? false : try rows.isLive(unit)
            verdicts.isLive.append(isLive)
            verdicts.row.append(-1)
            guard try readInputs(rows, unit) else {
                verdicts.states.append(isLive ? .orphaned : .absent)
                if isLive && isDescribed { verdicts.doubtful.append(unit) }
                continue
            }
            let definition = try rows.definition(unit)
            let isKnown = expect(rows, unit)
            guard let state = isKnown ? state(rows, unit, entry, isLive, definition) : nil else {
                verdicts.states.append(.stale)
                verdicts.doubtful.append(unit)
                continue
            }
            verdicts.states.append(state)
            guard state == .new || state == .stale else { continue }
            let record = units[unit]
            if mayBeBlocked[Int32(truncatingIfNeeded: record >> 10)]?.contains(Int(record & 1_023)) == true {
                verdicts.doubtful.append(unit)
                continue
            }
            if state == .stale && definition != plan.definition {
                verdicts.returning.append(unit)
                verdicts.wanted.append(expectedTexts())
            }
            if isDescribed { try describe(rows, unit, record, state, entry) }
        }
        return verdicts
    }

    /// Reads the entries that go into a unit.
    ///
    /// - Returns: whether it is expected: every required input is there; where all are optional, any.
    private mutating func readInputs(_ rows: IdentityRows, _ unit: Int) throws(StoreError) -> Bool {
        entries.removeAll(keepingCapacity: true)
        var isAny = false
        for dep in plan.deps.indices {
            let entry = try rows.input(unit, dep: dep)
            if entry == nil && !plan.deps[dep].isOptional { return false }
            isAny = isAny || entry != nil
            entries.append(entry ?? 0)
        }
        return isAny
    }

    /// Computes the expected provenance of a unit.
    ///
    /// - Returns: false where an input lacks a data version.
    private mutating func expect(_ rows: IdentityRows, _ unit: Int) -> Bool {
        expected.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        for field in plan.fields.indices {
            let formula = plan.fields[field].formula
            hasher.start(formula)
            for parent in formula.parents.indices {
                let isKnown = hasher.take(of: parent, formula) { buffer in
                    rows.appendVersion(unit, field: field, parent: parent, to: &buffer)
                }
                guard isKnown else { return false }
            }
            hasher.finish(into: &expected)
            ends.append(expected.count)
        }
        return true
    }

    private func expectedTexts() -> [String] {
        zip([0] + ends, ends).map { String(decoding: expected[$0..<$1], as: UTF8.self) }
    }

    /// The state of a unit, with the reasons in `causes`.
    ///
    /// - Returns: nil where its earlier definition cannot be followed here.
    private mutating func state(
        _ rows: IdentityRows, _ unit: Int, _ entry: EntryID, _ isLive: Bool, _ definition: DefinitionID
    ) -> UnitState? {
        causes.removeAll(keepingCapacity: true)
        var isStale = false
        for field in plan.fields.indices {
            let cause = entry == 0 ? Self.missing : cause(rows, unit, field, definition)
            guard let cause else { return nil }
            causes.append(cause)
            isStale = isStale || cause != 0
        }
        if entry == 0 || (!isLive && isStale) {
            for field in causes.indices { causes[field] = Self.missing }
            return .new
        }
        if !isLive { return .suppressed }
        return isStale ? .stale : .upToDate
    }

    private static let missing = bit(.missing), upstream = bit(.upstream), code = bit(.code)

    private static func bit(_ cause: StaleCause) -> UInt8 {
        1 << UInt8(StaleCause.allCases.firstIndex(of: cause) ?? 0)
    }

    /// Why a field is stale; 0 where it is not, nil where its earlier formula used an input that was not read.
    private mutating func cause(
        _ rows: IdentityRows, _ unit: Int, _ field: Int, _ definition: DefinitionID
    ) -> UInt8? {
        let start = field == 0 ? 0 : ends[field - 1]
        guard let isSame = rows.isProvenance(unit, field: field, expected, in: start..<ends[field]) else {
            return Self.missing
        }
        if isSame { return 0 }
        let known = plan.fields[field]
        guard definition != plan.definition, let before = earlier[definition]?[known.slot],
            before.formula != known.formula
        else { return Self.upstream }
        guard let parents = before.parents else { return Self.code }
        guard parents.allSatisfy({ rows.hasVersions(of: $0) }) else { return nil }
        hasher.start(before.formula)
        for (index, parent) in parents.enumerated() {
            let isThere = hasher.take(of: index, before.formula) { buffer in
                rows.appendVersion(unit, of: parent, to: &buffer)
            }
            guard isThere else { return Self.upstream | Self.code }
        }
        earlierText.removeAll(keepingCapacity: true)
        hasher.finish(into: &earlierText)
        let onlyCodeMoved = rows.isProvenance(unit, field: field, earlierText, in: earlierText.indices) == true
        return onlyCodeMoved ? Self.code : Self.upstream | Self.code
    }

    private mutating func describe(
        _ rows: IdentityRows, _ unit: Int, _ record: RecordID, _ state: UnitState, _ entry: EntryID
    ) throws(StoreError) {
        verdicts.row[unit] = verdicts.rows.count
        verdicts.rows.append(record, standing: standing(state))
        var hasKey = false
        verdicts.rows.writeKey { hasKey = rows.appendKey(unit, to: &$0) }
        guard hasKey else { throw .corrupt("id space \(plan.space) lacks record \(record)") }
        let members = members
        var failure: StoreError?
        verdicts.rows.writeMembers { output in
            do throws(StoreError) { try members.write(rows, unit, into: &output) } catch { failure = error }
        }
        if let failure { throw failure }
        verdicts.rows.writeProvenance(expected, ends: ends) { output in
            hasher.recordVersion(expected, from: 0, ends: ends, into: &output)
        }
        verdicts.bases.append(entry)
        verdicts.inputs += entries
    }

    /// The number of the standing that `causes` make; units one after another mostly have the same.
    private mutating func standing(_ state: UnitState) -> Int {
        if let last = lastCauses, last.isNew == (state == .new), last.causes == causes { return last.number }
        let stale = causes.indices.filter { causes[$0] != 0 }.map { field in
            StaleField(
                field: field,
                causes: StaleCause.allCases.enumerated().filter { causes[field] & 1 << UInt8($0.offset) != 0 }
                    .map(\.element))
        }
        let number = verdicts.rows.number(
            of: IncrementRows.Standing(state: state, isBlocked: false, staleFields: stale))
        lastCauses = (state == .new, causes, number)
        return number
    }
}
