// Judges units of a feature: by the judge of columns where that can be done, by the general one where not.

import Feature
import Store

/// Judges units of one feature.
protocol UnitJudge {
    /// Upstream units found on the way whose earlier version is what they should be: to be put back.
    var revertible: [FeatureID: Set<RecordID>] { get }

    /// Judges derived units and finds what blocks those that need work.
    ///
    /// - Parameters:
    ///   - units: ascending, each once.
    ///   - isDescribed: whether those that are new, stale or orphaned are wanted with all that a worker sees.
    ///   - hasFailures: whether the failures of the units are wanted.
    mutating func judge(
        _ units: [RecordID], isDescribed: Bool, hasFailures: Bool
    ) throws(ServiceError) -> (judged: JudgedRows, failures: [RecordID: Failure])
}

/// Judges units of one feature within one transaction.
struct BatchJudge {
    private let transaction: ServiceTransaction
    private let plan: FeaturePlan
    private let ancestors: Ancestors
    /// Whether bits tell how most units stand.
    private let areBitsEnough: Bool
    private var judge: any UnitJudge

    /// A judge of units of `plan`.
    init(_ transaction: ServiceTransaction, _ plan: FeaturePlan) throws(StoreError) {
        // Without the ledger: a copy of it would be copied whole at its next change.
        let bare = ServiceTransaction(
            transaction.connection, transaction.catalog, transaction.definitions,
            transaction.visibleProjects)
        let ancestors = try Ancestors(of: plan, transaction.catalog)
        let general = GeneralJudge(bare, plan)
        let columns = IdentityUnits(plan).map { ColumnJudge(bare, plan, $0, ancestors, general) }
        areBitsEnough = columns != nil
        if let columns { judge = columns } else { judge = general }
        self.transaction = bare
        self.plan = plan
        self.ancestors = ancestors
    }

    /// Upstream units found on the way whose earlier version is what they should be: to be put back.
    var revertible: [FeatureID: Set<RecordID>] { judge.revertible }

    /// Judges derived units and finds what blocks those that need work.
    ///
    /// - Parameters:
    ///   - units: ascending, each once.
    ///   - isDescribed: whether those that are new, stale or orphaned are wanted with all that a worker sees.
    /// - Complexity: one round trip and O(units · fields · parents) for identity deps where nothing upstream is to be
    ///   done; otherwise as `Evaluator.judge`.
    mutating func judge(_ units: [RecordID], isDescribed: Bool) throws(ServiceError) -> JudgedRows {
        try judge.judge(units, isDescribed: isDescribed, hasFailures: false).judged
    }

    /// As `judge`, with the failures of the units, without a round trip more where units are judged as columns.
    mutating func judgeWithFailures(
        _ units: [RecordID], isDescribed: Bool
    ) throws(ServiceError) -> (judged: JudgedRows, failures: [RecordID: Failure]) {
        try judge.judge(units, isDescribed: isDescribed, hasFailures: true)
    }

    /// Counts units by state, most of them by bits alone. A unit that is expected and was never computed is new. A live record that
    /// is not expected is orphaned.
    ///
    /// - Parameter blocks: candidates, by block.
    /// - Complexity: three round trips where bits are enough, and `judge` for the other units.
    mutating func count(_ blocks: [(block: Int32, units: BlockBits)]) throws(ServiceError) -> JudgedCounts {
        var counts = JudgedCounts()
        var rest: [RecordID] = []
        if !areBitsEnough {
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

    /// - Returns: the units that have to be judged.
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
}

/// Numbers of units by state.
struct JudgedCounts {
    /// Units of each kind of an increment.
    var kinds: [IncrementKind: Int] = [:]
    /// Live records that are not as they should be.
    var liveInIncrement = 0
    /// Units that need nothing.
    var settled: [RecordID] = []

    /// Counts a judged unit.
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
