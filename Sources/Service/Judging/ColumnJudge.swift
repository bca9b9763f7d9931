// Judges units as columns, and passes the units that need more to the general judge.

import Feature
import Store

/// Judges units whose deps all share the id space and have no filters.
struct ColumnJudge: UnitJudge {
    private let transaction: ServiceTransaction
    private let plan: FeaturePlan
    private let identity: IdentityUnits
    private let ancestors: Ancestors
    private var general: GeneralJudge

    init(
        _ transaction: ServiceTransaction, _ plan: FeaturePlan, _ identity: IdentityUnits, _ ancestors: Ancestors,
        _ general: GeneralJudge
    ) {
        self.transaction = transaction
        self.plan = plan
        self.identity = identity
        self.ancestors = ancestors
        self.general = general
    }

    var revertible: [FeatureID: Set<RecordID>] { general.revertible }

    /// - Complexity: one round trip and O(units · fields · parents), and for the units that are left that of `GeneralJudge`.
    mutating func judge(
        _ units: [RecordID], isDescribed: Bool, hasFailures: Bool
    ) throws(ServiceError) -> (judged: JudgedRows, failures: [RecordID: Failure]) {
        guard !units.isEmpty else { return (JudgedRows(fields: plan.fields.count), [:]) }
        let wanted = FailureTable.of(units, feature: plan.id)
        do {
            let blocks = Set(units.map { Int32(truncatingIfNeeded: $0 >> 10) })
            // A change upstream after this read marks the units again, so the read may be out of date but misses nothing.
            let isAnyOpen = try ancestors.isAnyOpen(transaction.blocks)
            let (candidates, question) = (
                ancestors.candidates(in: blocks), identity.rows(units, isDescribed: isDescribed)
            )
            let (some, rows, failures): ([Int32: BlockBits], IdentityRows, [RecordID: Failure])
            if hasFailures {
                (some, rows, failures) = try transaction.connection.ask(candidates, question, wanted)
            } else {
                (some, rows) = try transaction.connection.ask(candidates, question)
                failures = [:]
            }
            let open = isAnyOpen ? Ancestors.all(of: blocks) : some
            var definitions: Set<DefinitionID> = []
            var last = plan.definition
            for unit in 0..<rows.count {
                let definition = try rows.definition(unit)
                if definition != last && definition != 0 { definitions.insert(definition) }
                last = definition
            }
            let earlier = try general.evaluator.earlierFields(plan, definitions)
            var judge = IdentityJudge(plan, isDescribed: isDescribed, earlier: earlier)
            let verdicts = try judge.judge(rows, units, mayBeBlocked: open)
            return (try complete(verdicts, units, isDescribed: isDescribed), failures)
        } catch let error as StoreError {
            throw ServiceError(error)
        } catch let error as ServiceError {
            throw error
        } catch {
            throw .internal("\(error)")
        }
    }

    /// Judges the units one by one that could not be judged as columns, and merges the results in order.
    private mutating func complete(
        _ verdicts: IdentityVerdicts, _ units: [RecordID], isDescribed: Bool
    ) throws -> JudgedRows {
        var doubtful = verdicts.doubtful
        if !verdicts.returning.isEmpty {
            doubtful += try goingBack(verdicts, units)
            doubtful.sort()
        }
        if doubtful.isEmpty {
            return JudgedRows(
                units, verdicts.states, isLive: verdicts.isLive, row: verdicts.row, rows: verdicts.rows,
                bases: verdicts.bases, inputs: verdicts.inputs)
        }
        let singly = try general.judge(doubtful.map { units[$0] }, isDescribed: isDescribed)
        var merged = JudgedRows(fields: plan.fields.count)
        var next = 0
        let deps = plan.deps.count
        for (position, unit) in units.enumerated() {
            if next < doubtful.count, doubtful[next] == position {
                merged.append(next, of: singly, deps: deps)
                next += 1
            } else if verdicts.row[position] >= 0 {
                let row = verdicts.row[position]
                merged.append(
                    unit, verdicts.states[position], isLive: verdicts.isLive[position], row: row, of: verdicts.rows,
                    base: verdicts.bases[row], inputs: verdicts.inputs[row * deps..<(row + 1) * deps])
            } else {
                merged.append(unit, verdicts.states[position], isLive: verdicts.isLive[position])
            }
        }
        return merged
    }

    /// The stale units of earlier definitions that have an earlier version with the expected provenance.
    private func goingBack(_ verdicts: IdentityVerdicts, _ units: [RecordID]) throws(StoreError) -> [Int] {
        let wanted = zip(verdicts.returning, verdicts.wanted).map { (record: units[$0], provenance: $1) }
        let found = try LineageQueries(transaction.connection, feature: plan.id).matching(
            slots: plan.fields.map(\.slot), wanted, includesLate: plan.children == nil)
        return verdicts.returning.filter { found[units[$0]] != nil }
    }
}
