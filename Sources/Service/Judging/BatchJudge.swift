// Judges units of a feature, as columns where that can be done and one by one where not.

import Feature
import Store

/// Judges units of one feature within one transaction.
struct BatchJudge {
    private let transaction: ServiceTransaction
    private let plan: FeaturePlan
    private let identity: IdentityUnits?
    private let ancestors: Ancestors
    private var evaluator: Evaluator

    /// A judge of units of `plan`.
    init(_ transaction: ServiceTransaction, _ plan: FeaturePlan) throws(StoreError) {
        // Without the ledger: a copy of it would be copied whole at its next change.
        self.transaction = ServiceTransaction(
            transaction.connection, transaction.catalog, transaction.definitions, transaction.visibleProjects)
        self.plan = plan
        evaluator = transaction.evaluator
        identity = IdentityUnits(plan)
        ancestors = try Ancestors(of: plan, transaction.catalog)
    }

    /// Upstream units found on the way whose earlier version is what they should be: to be put back.
    var revertible: [FeatureID: Set<RecordID>] { evaluator.revertible }

    /// Judges derived units and finds what blocks those that need work.
    ///
    /// - Parameters:
    ///   - units: ascending, each once.
    ///   - isDescribed: whether those that are new, stale or orphaned are wanted with all that a worker sees.
    /// - Complexity: one round trip and O(units · fields · parents) for identity deps where nothing upstream is to be
    ///   done; otherwise as `Evaluator.judge`.
    mutating func judge(_ units: [RecordID], isDescribed: Bool) throws(ServiceError) -> JudgedRows {
        try judge(units, isDescribed: isDescribed, hasFailures: false).judged
    }

    /// As `judge`, with the failures of the units, without a round trip more where units are judged as columns.
    mutating func judgeWithFailures(
        _ units: [RecordID], isDescribed: Bool
    ) throws(ServiceError) -> (judged: JudgedRows, failures: [RecordID: Failure]) {
        try judge(units, isDescribed: isDescribed, hasFailures: true)
    }

    private mutating func judge(
        _ units: [RecordID], isDescribed: Bool, hasFailures: Bool
    ) throws(ServiceError) -> (judged: JudgedRows, failures: [RecordID: Failure]) {
        guard !units.isEmpty else { return (JudgedRows(fields: plan.fields.count), [:]) }
        let wanted = FailureTable.of(units, feature: plan.id)
        guard let identity else {
            let judged = try judgeSingly(units, isDescribed: isDescribed)
            let failures = try stored { [transaction] () throws(StoreError) in
                hasFailures ? try transaction.connection.ask(wanted) : [:]
            }
            return (judged, failures)
        }
        do {
            let blocks = Set(units.map { Int32(truncatingIfNeeded: $0 >> 10) })
            // What is done upstream after this was read marks the units again, so it may be out of date but not miss.
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
            let earlier = try evaluator.earlierFields(plan, definitions)
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

    /// Counts how units stand, most of them by bits alone: what is expected and was never there is new, what is there and
    /// not expected is orphaned.
    ///
    /// - Parameter blocks: candidates, by block.
    /// - Complexity: three round trips where bits tell, as `judge` for the units of which they do not.
    mutating func count(_ blocks: [(block: Int32, units: BlockBits)]) throws(ServiceError) -> JudgedCounts {
        var counts = JudgedCounts()
        var rest: [RecordID] = []
        if identity == nil {
            rest = blocks.flatMap { $0.units.records(ofBlock: $0.block) }
        } else {
            do { rest = try countByBits(blocks, into: &counts) } catch { throw ServiceError(error) }
        }
        while !rest.isEmpty {
            let part = Array(rest.prefix(TransactionLimits.judgedStep))
            rest.removeFirst(part.count)
            let judged = try judge(part, isDescribed: false)
            for position in judged.units.indices { counts.add(judged, position) }
        }
        return counts
    }

    /// - Returns: the units of which bits do not tell how they stand.
    private func countByBits(
        _ blocks: [(block: Int32, units: BlockBits)], into counts: inout JudgedCounts
    ) throws(StoreError) -> [RecordID] {
        let numbers = Set(blocks.map(\.block))
        let isAnyOpen = try ancestors.isAnyOpen(transaction.blocks)
        let open =
            isAnyOpen ? Ancestors.all(of: numbers) : try transaction.connection.ask(ancestors.candidates(in: numbers))
        let features = Set(plan.deps.map(\.upstream)).union([plan.id])
        let present = try PresenceTable(transaction.connection).peek(
            blocks.flatMap { entry in features.map { BlockAddress(feature: $0, block: entry.block) } })
        var rest: [RecordID] = []
        for (block, units) in blocks {
            let own = present[BlockAddress(feature: plan.id, block: block)]
            let (live, gone) = (own?.live ?? BlockBits(), own?.gone ?? BlockBits())
            let expected = units & expected(in: block, present)
            let certain = expected - live - gone - (open[block] ?? BlockBits())
            let orphaned = (units - expected) & live
            if !certain.isEmpty { counts.kinds[.new, default: 0] += certain.popcount }
            if !orphaned.isEmpty { counts.kinds[.orphaned, default: 0] += orphaned.popcount }
            counts.liveInIncrement += orphaned.popcount
            counts.settled += (units - expected - live).records(ofBlock: block)
            rest += (expected - certain).records(ofBlock: block)
        }
        return rest
    }

    /// The units of a block for which every required input is there; where all are optional, any.
    private func expected(
        in block: Int32, _ present: [BlockAddress: (live: BlockBits, gone: BlockBits)]
    ) -> BlockBits {
        let inputs = plan.deps.map { present[BlockAddress(feature: $0.upstream, block: block)]?.live ?? BlockBits() }
        let required = zip(plan.deps, inputs).filter { !$0.0.isOptional }.map(\.1)
        guard let first = required.first else { return inputs.reduce(BlockBits()) { $0 | $1 } }
        return required.dropFirst().reduce(first) { $0 & $1 }
    }

    /// Judges one by one what could not be judged as columns, and puts it in its place.
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
        let singly = try judgeSingly(doubtful.map { units[$0] }, isDescribed: isDescribed)
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

    /// Of stale units of earlier definitions, those of which an earlier version is what they should be.
    private func goingBack(_ verdicts: IdentityVerdicts, _ units: [RecordID]) throws(StoreError) -> [Int] {
        let wanted = zip(verdicts.returning, verdicts.wanted).map { (record: units[$0], provenance: $1) }
        let found = try LineageQueries(transaction.connection, feature: plan.id).matching(
            slots: plan.fields.map(\.slot), wanted, includesLate: plan.children == nil)
        return verdicts.returning.filter { found[units[$0]] != nil }
    }

    private mutating func judgeSingly(_ units: [RecordID], isDescribed: Bool) throws(ServiceError) -> JudgedRows {
        let judged: [RecordID: JudgedUnit]
        do { judged = try evaluator.judge(plan, units) } catch { throw ServiceError(error) }
        var described: [RecordID: IncrementRecord] = [:]
        if isDescribed {
            let open = units.compactMap { unit in
                judged[unit].flatMap { $0.kind == nil ? nil : (unit, $0) }
            }
            for record in try IncrementDescriber(transaction).describe(plan, open) { described[record.record] = record }
        }
        var rows = JudgedRows(fields: plan.fields.count)
        for unit in units {
            guard let known = judged[unit] else { throw .internal("unit \(unit) was not judged") }
            rows.append(unit, known, described[unit], deps: plan.deps.count)
        }
        return rows
    }
}

/// How units stand, as numbers.
struct JudgedCounts {
    /// Of each kind of an increment.
    var kinds: [IncrementKind: Int] = [:]
    /// Live records that are not as they should be.
    var liveInIncrement = 0
    /// Units that need nothing.
    var settled: [RecordID] = []

    /// Counts one that was judged.
    mutating func add(_ judged: JudgedRows, _ position: Int) {
        guard let kind = judged.kind(position) else { return settled.append(judged.units[position]) }
        kinds[kind, default: 0] += 1
        if judged.isLive[position] { liveInIncrement += 1 }
    }
}

extension BlockBits {
    /// The records that the set bits stand for, ascending.
    func records(ofBlock block: Int32) -> [RecordID] {
        offsets.map { RecordID(block) << 10 | RecordID($0) }
    }
}
