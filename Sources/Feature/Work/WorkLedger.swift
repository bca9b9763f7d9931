// The work blocks that one transaction has locked and changes, and the order of locking.

/// The place of a block in the order of locking: by the rank of its feature, then by feature and block.
public struct LockPlace: Hashable, Comparable, Sendable {
    /// The rank of the feature in the order of the graph.
    public let rank: Int
    /// The block.
    public let address: BlockAddress

    /// The place of a block.
    public init(rank: Int, address: BlockAddress) {
        self.rank = rank
        self.address = address
    }

    /// By rank, then by address.
    public static func < (left: LockPlace, right: LockPlace) -> Bool {
        (left.rank, left.address) < (right.rank, right.address)
    }
}

/// The locked work blocks of a transaction: loaded once, changed in memory, written back together.
///
/// All decisions about dirty, leased and parked units go through here, so the rule that a unit without a bit is up to
/// date has one place to hold.
public struct WorkLedger: Sendable {
    private var stored: [BlockAddress: WorkBlock] = [:]
    private var current: [BlockAddress: WorkBlock] = [:]
    /// The last block in the order of locking that the transaction holds.
    private var last: LockPlace?
    /// Whether no other transaction holds blocks meanwhile.
    private var isAlone = false

    /// A ledger of no blocks.
    public init() {}

    /// Whether no block has been locked.
    public var isEmpty: Bool { current.isEmpty }

    /// No other transaction holds blocks until this one ends, so blocks may be locked in any order: a push.
    public mutating func noteAlone() {
        isAlone = true
    }

    /// Whether the transaction may wait for blocks from `first` on: it holds none that comes after it in the order of locking.
    ///
    /// Two transactions that wait for blocks in this order alone never wait for each other.
    public func mayWait(from first: LockPlace) -> Bool {
        guard let last, !isAlone else { return true }
        return last < first
    }

    /// Notes that the transaction is about to wait for blocks, the first of which is at `first`.
    ///
    /// - Precondition: `mayWait(from: first)`; checked in debug builds.
    public mutating func noteWait(from first: LockPlace, to last: LockPlace) {
        assert(
            mayWait(from: first),
            "block \(first.address.block) of feature \(first.address.feature), of rank \(first.rank), is locked after a later one"
        )
        note(upTo: last)
    }

    /// Notes that the transaction holds blocks up to `place`.
    public mutating func note(upTo place: LockPlace) {
        last = last.map { max($0, place) } ?? place
    }

    /// Takes in a block that the transaction has just locked.
    ///
    /// - Precondition: no change to it waits to be stored.
    public mutating func load(_ address: BlockAddress, _ block: WorkBlock) {
        precondition(stored[address] == current[address], "block \(address) has changes that are not stored")
        stored[address] = block
        current[address] = block
    }

    /// Everything has just been stored.
    public mutating func noteFlush() {
        stored = current
    }

    /// Whether the block has been locked.
    public func holds(_ address: BlockAddress) -> Bool {
        current[address] != nil
    }

    /// The block as it now stands.
    ///
    /// - Precondition: it has been locked.
    public subscript(address: BlockAddress) -> WorkBlock {
        guard let block = current[address] else { preconditionFailure("block \(address) is not locked") }
        return block
    }

    /// Changes the block of each of these units, `change` being given the units' bits.
    ///
    /// - Precondition: the blocks have been locked.
    /// - Complexity: O(units).
    public mutating func update(
        _ units: some Sequence<RecordID>, of feature: FeatureID, _ change: (inout WorkBlock, BlockBits) -> Void
    ) {
        for (address, bits) in BlockAddress.group(units, of: feature) {
            guard var block = current[address] else { preconditionFailure("block \(address) is not locked") }
            let before = block
            change(&block, bits)
            block.noteRest(since: before)
            current[address] = block
        }
    }

    /// Changes one block.
    ///
    /// - Precondition: it has been locked.
    public mutating func update(_ address: BlockAddress, _ change: (inout WorkBlock) -> Void) {
        guard var block = current[address] else { preconditionFailure("block \(address) is not locked") }
        let before = block
        change(&block)
        block.noteRest(since: before)
        current[address] = block
    }

    /// Which of these units are candidates.
    ///
    /// - Precondition: their blocks have been locked.
    public func candidates(among units: [RecordID], of feature: FeatureID) -> Set<RecordID> {
        Set(units.filter { self[BlockAddress(feature: feature, record: $0)].candidates.contains($0.offsetInBlock) })
    }

    /// Takes, from every block, the awaited units that moved or came to rest.
    ///
    /// - Returns: by feature, ascending.
    public mutating func takeArrived() -> [FeatureID: [RecordID]] {
        var arrived: [FeatureID: [RecordID]] = [:]
        for address in current.keys.sorted() {
            guard var block = current[address] else { continue }
            let units = block.takeArrived()
            guard !units.isEmpty else { continue }
            current[address] = block
            arrived[address.feature, default: []] += units.offsets.map(address.record(at:))
        }
        return arrived
    }

    /// The blocks that differ from what is stored, in the order of locking, and whether the stored block had units to hand
    /// out.
    public var changes: [(address: BlockAddress, block: WorkBlock, wasReady: Bool)] {
        current.filter { stored[$0.key] != $0.value }.sorted { $0.key < $1.key }.map {
            ($0.key, $0.value, stored[$0.key]?.ready.isEmpty == false)
        }
    }

    /// What became ready to be handed out, by feature.
    public var awakened: [FeatureID: ReadyWork] {
        var work: [FeatureID: ReadyWork] = [:]
        for (address, block) in current {
            let units = (block.ready - (stored[address]?.ready ?? BlockBits())).popcount
            guard units > 0 else { continue }
            let known = work[address.feature] ?? ReadyWork(blocks: 0, units: 0)
            work[address.feature] = known + ReadyWork(blocks: 1, units: units)
        }
        return work
    }
}

extension BlockAddress {
    /// The bits of each block that holds some of these records.
    ///
    /// - Complexity: O(records).
    public static func group(_ records: some Sequence<RecordID>, of feature: FeatureID) -> [BlockAddress: BlockBits] {
        var blocks: [BlockAddress: BlockBits] = [:]
        // Records that come in order are looked up once a block: hashing each took as long as all the rest.
        var current: (address: BlockAddress, bits: BlockBits)?
        for record in records {
            let address = BlockAddress(feature: feature, record: record)
            if current?.address != address {
                if let current { blocks[current.address, default: BlockBits()] |= current.bits }
                current = (address, BlockBits())
            }
            current?.bits.insert(record.offsetInBlock)
        }
        if let current { blocks[current.address, default: BlockBits()] |= current.bits }
        return blocks
    }
}
