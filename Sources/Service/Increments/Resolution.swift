// The walk that answers a resolve.

import Feature
import Store

/// A page, and what was found out on the way.
struct ResolutionOutcome: Sendable {
    let page: IncrementPage
    /// Candidates that are as they should be.
    var settled: [FeatureID: Set<RecordID>] = [:]
    /// Units whose earlier version is what they should be.
    var revertible: [FeatureID: Set<RecordID>] = [:]
}

/// A walk over a feature's candidates.
///
/// Until the page is full, units are judged with all that a worker sees; beyond it they are only counted.
struct Resolution {
    /// Blocks of the first step; later ones are as wide as it takes to make `TransactionLimits.judgedStep` units.
    private static let firstBlocks = 8

    private let plan: FeaturePlan
    private let query: IncrementQuery
    private var judge: BatchJudge
    private var counts = JudgedCounts()
    private var rows: IncrementRows
    private var isMore = false

    init(_ plan: FeaturePlan, _ query: IncrementQuery, _ transaction: ServiceTransaction) throws(ServiceError) {
        self.plan = plan
        self.query = query
        rows = IncrementRows(fields: plan.fields.count)
        do { judge = try BatchJudge(transaction, plan) } catch { throw ServiceError(error) }
    }

    mutating func run(_ transaction: ServiceTransaction) throws(ServiceError) -> ResolutionOutcome {
        var block = query.part?.lowerBound ?? (query.countsAll ? 0 : Int32(clamping: max(query.after, 0) >> 10))
        let end = query.part?.upperBound ?? .max
        var (width, blockCount, unitCount) = (Self.firstBlocks, 0, 0)
        while true {
            let found = try stored { () throws(StoreError) in
                try transaction.blocks.active(plan.id, from: block, limit: width)
            }
            try take(found.filter { $0.block <= end })
            guard let last = found.last, found.count == width, last.block < end else { break }
            block = last.block + 1
            if isMore && !query.countsAll { break }
            blockCount += found.count
            unitCount += found.reduce(0) { $0 + $1.units.popcount }
            width = min(
                max(TransactionLimits.judgedStep * blockCount / max(unitCount, 1), 8),
                TransactionLimits.resolveBlocksMax)
        }
        let page = IncrementPage(
            plan: plan, counts: try countedAll(transaction), records: rows, next: isMore ? rows.records.last : nil)
        return ResolutionOutcome(
            page: page, settled: counts.settled.isEmpty ? [:] : [plan.id: Set(counts.settled)],
            revertible: judge.revertible)
    }

    /// Takes the candidates of some blocks.
    private mutating func take(_ blocks: [(block: Int32, units: BlockBits)]) throws(ServiceError) {
        var counted: [(block: Int32, units: BlockBits)] = []
        var open: [RecordID] = []
        for (block, units) in blocks {
            let records = units.records(ofBlock: block)
            // What the pages before brought is only counted.
            let listed = isMore || !query.listsAny ? [] : records.filter { $0 > query.after }
            open += listed
            var before = units
            for record in listed { before.remove(Int(record & 1_023)) }
            if !before.isEmpty { counted.append((block, before)) }
        }
        while !open.isEmpty, !isMore {
            let wanted = query.part != nil ? TransactionLimits.judgedStep : query.limit - rows.count + 1
            let part = Array(
                open.prefix(min(max(wanted, TransactionLimits.claimJudgedMin), TransactionLimits.judgedStep)))
            open.removeFirst(part.count)
            add(try judge.judge(part, isDescribed: true))
        }
        guard query.countsAll else { return }
        for (address, units) in BlockAddress.group(open, of: plan.id) { counted.append((address.block, units)) }
        counted.sort { $0.block < $1.block }
        guard !counted.isEmpty else { return }
        let more = try judge.count(counted)
        counts.kinds.merge(more.kinds) { $0 + $1 }
        counts.liveInIncrement += more.liveInIncrement
        counts.settled += more.settled
    }

    private mutating func add(_ judged: JudgedRows) {
        let areWanted = judged.rows.standings.allSatisfy { query.kinds.contains($0.kind) }
        if areWanted && (query.part != nil || rows.count + judged.rows.count <= query.limit) {
            rows.append(contentsOf: judged.rows)
            for position in judged.units.indices { counts.add(judged, position) }
            return
        }
        for position in judged.units.indices {
            counts.add(judged, position)
            guard let kind = judged.kind(position), query.kinds.contains(kind) else { continue }
            if query.part != nil || rows.count < query.limit {
                rows.append(judged.row[position], of: judged.rows)
            } else {
                isMore = true
            }
        }
    }

    private func countedAll(_ transaction: ServiceTransaction) throws(ServiceError) -> IncrementCounts? {
        guard query.countsAll else { return nil }
        let live = try stored { () throws(StoreError) in
            try PresenceTable(transaction.connection).count(of: plan.id)
        }
        return IncrementCounts(kinds: counts.kinds, upToDate: live - counts.liveInIncrement)
    }
}
