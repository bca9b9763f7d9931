// Rewrites many records of a feature in one transaction: pages to choose them, one lock, pages to write them.

import Feature
import Store

/// A rewrite of the records of a feature, or of its units: a deletion, a restoration, an erasure or a rebase.
protocol RecordRewrite {
    /// The feature whose heads are rewritten.
    var plan: FeaturePlan { get }
    /// How the change is noted.
    var change: LoggedChange { get }
    /// Whether tombstones are looked at.
    var includesDeleted: Bool { get }

    /// The heads of a page that are to be rewritten. Called before they are locked and again after.
    func choose(
        _ page: [DescribedHead], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [DescribedHead]

    /// Counts what `rewrite` would do.
    mutating func count(_ heads: [DescribedHead], _ transaction: ServiceTransaction) throws(ServiceError) -> Int

    /// Locks the blocks of the chosen records and of all that is rewritten with them, upstream before downstream.
    func lock(_ chosen: ChosenRecords, _ transaction: inout ServiceTransaction) throws(ServiceError)

    /// Rewrites records whose blocks are locked.
    ///
    /// - Parameter change: begins the change where there is something to write.
    /// - Returns: how many records count as rewritten.
    mutating func rewrite(
        _ heads: [DescribedHead], _ change: inout PendingChange, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) -> Int
}

extension RecordRewrite {
    func lock(_ chosen: ChosenRecords, _ transaction: inout ServiceTransaction) throws(ServiceError) {
        try transaction.lock(chosen.addresses)
    }

    mutating func count(_ heads: [DescribedHead], _ transaction: ServiceTransaction) throws(ServiceError) -> Int {
        heads.count
    }
}

/// A change that is noted as soon as there is something to write.
struct PendingChange {
    private let writer: Writer
    private let change: LoggedChange
    /// Its number; nil where nothing has been written.
    private(set) var number: Int64?

    init(_ writer: Writer, _ change: LoggedChange) {
        self.writer = writer
        self.change = change
    }

    /// The number that its lineage entries carry.
    mutating func begin(_ transaction: inout ServiceTransaction) throws(ServiceError) -> Int64 {
        if let number { return number }
        let begun = try transaction.begin(writer, change)
        number = begun
        return begun
    }
}

/// Records that were chosen, as bitmaps: ten million take two megabytes.
struct ChosenRecords {
    private var blocks: [BlockAddress: BlockBits] = [:]
    private let feature: FeatureID

    init(of feature: FeatureID) {
        self.feature = feature
    }

    var isEmpty: Bool { blocks.isEmpty }

    /// The blocks of all of them.
    var addresses: Set<BlockAddress> { Set(blocks.keys) }

    mutating func insert(_ records: some Sequence<RecordID>) {
        blocks.merge(BlockAddress.group(records, of: feature)) { $0 | $1 }
    }

    /// All of them, ascending, in pages of about `count`.
    func pages(of count: Int) -> some Sequence<[RecordID]> {
        var rest = blocks.sorted { $0.key < $1.key }[...]
        return sequence(state: ()) { _ in
            var page: [RecordID] = []
            while page.count < count, let (address, bits) = rest.popFirst() {
                page += bits.offsets.map(address.record(at:))
            }
            return page.isEmpty ? nil : page
        }
    }
}

extension ServiceTransaction {
    /// Carries a rewrite out.
    ///
    /// All blocks are locked before the first record is written, and the units downstream at the end of the transaction. A root
    /// is entered first, so a rewrite waits for a long write and finds what it wrote.
    ///
    /// - Parameter isDryRun: true to count only.
    /// - Returns: how many records were, or would be, rewritten.
    /// - Complexity: O(records of the feature) to choose, O(chosen) to write; a few round trips for each
    ///   `TransactionLimits.writeRowsStep` records.
    mutating func run(
        _ rewrite: inout some RecordRewrite, isDryRun: Bool, _ writer: Writer
    ) throws(ServiceError) -> Int {
        let (connection, plan) = (connection, rewrite.plan)
        let heads = HeadTable(connection, feature: plan.id)
        if !isDryRun { _ = try enter(plan) }
        var count = 0
        var chosen = ChosenRecords(of: plan.id)
        var after: RecordID = -1
        while true {
            let page = try stored { () throws(StoreError) in
                try heads.page(after: after, limit: TransactionLimits.writeRowsStep, deleted: rewrite.includesDeleted)
            }
            guard let last = page.last else { break }
            after = last.head.record
            let found = try rewrite.choose(page, self)
            if isDryRun { count += try rewrite.count(found, self) } else { chosen.insert(found.map(\.head.record)) }
        }
        guard !chosen.isEmpty else { return count }
        try rewrite.lock(chosen, &self)
        var change = PendingChange(writer, rewrite.change)
        for records in chosen.pages(of: TransactionLimits.writeRowsStep) {
            let current = try stored { () throws(StoreError) in try heads.describe(records) }
            let still = try rewrite.choose(records.compactMap { current[$0] }, self)
            guard !still.isEmpty else { continue }
            count += try rewrite.rewrite(still, &change, &self)
        }
        if let number = change.number { try complete(number, ["records": count]) }
        return count
    }

    /// The heads whose row passes every filter.
    func passing(
        _ page: [DescribedHead], _ filters: [Filter], _ plan: FeaturePlan
    ) throws(ServiceError) -> [DescribedHead] {
        guard !filters.isEmpty, !page.isEmpty else { return page }
        let slots = FieldSlots(plan)
        return try stored { () throws(StoreError) in
            let keys = try RecordIDTable(connection, space: plan.space).keys(of: page.map(\.head.record))
            var passing: [DescribedHead] = []
            for described in page {
                guard let key = keys[described.head.record] else { continue }
                if try FilteredRow(described, key: key, plan: plan, slots: slots).passes(filters) {
                    passing.append(described)
                }
            }
            return passing
        }
    }
}
