// All units of a feature: those with a record, and those that an upstream record makes possible.

import Feature
import Store

/// The units of a derived feature that have a record, or an upstream record to be made from, as bitmaps.
struct UnitUniverse {
    private let blocks: [(block: Int32, units: BlockBits)]

    /// The units of a feature as they are now.
    ///
    /// - Complexity: O(records / 1,024) within an id space, O(records) across.
    init(_ transaction: ServiceTransaction, _ plan: FeaturePlan) throws(StoreError) {
        var units: [Int32: BlockBits] = [:]
        let presences = PresenceTable(transaction.connection)
        for (address, bits) in try presences.read(plan.id) {
            units[address.block, default: BlockBits()] |= bits.live | bits.gone
        }
        let mapper = UnitMapper(connection: transaction.connection, catalog: transaction.catalog)
        for dep in plan.deps {
            let presence = try presences.read(dep.upstream)
            guard dep.mapping != .same else {
                for (address, bits) in presence { units[address.block, default: BlockBits()] |= bits.live | bits.gone }
                continue
            }
            let records = presence.flatMap { address, bits in (bits.live | bits.gone).offsets.map(address.record(at:)) }
            for unit in try mapper.known(records, plan, dep: dep) {
                units[Int32(unit >> 10), default: BlockBits()].insert(unit.offsetInBlock)
            }
        }
        blocks = units.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The blocks from `block` on, in order.
    func blocks(from block: Int32, limit: Int) -> [(block: Int32, units: BlockBits)] {
        Array(blocks.drop { $0.block < block }.prefix(limit))
    }
}
