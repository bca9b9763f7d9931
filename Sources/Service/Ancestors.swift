// What stands upstream of a feature, near and far, and whether anything is to be done there.

import Feature
import Store

/// The features upstream of one.
///
/// A unit whose ancestors have no candidates is certainly not blocked, so bits tell for a thousand units at once what
/// would otherwise be found out record by record.
struct Ancestors {
    /// Features over the same record ids, by way of features over the same: a unit's own id is that of its ancestor.
    private(set) var aligned: Set<FeatureID> = []
    /// All others.
    private(set) var others: Set<FeatureID> = []

    /// The ancestors of `plan`.
    ///
    /// - Complexity: O(ancestors and their deps).
    init(of plan: FeaturePlan, _ catalog: Catalog) throws(StoreError) {
        var open: [(plan: FeaturePlan, isAligned: Bool)] = [(plan, true)]
        while let (plan, isAligned) = open.popLast() {
            for dep in plan.deps {
                guard var upstream = catalog[dep.upstream] else { throw .corrupt("\(dep.spec.feature) has no plan") }
                var staysAligned = isAligned
                if case .same = dep.mapping {} else { staysAligned = false }
                // The work of an expansion is that of its units.
                if let units = upstream.units {
                    guard let unitPlan = catalog[units] else { throw .corrupt("\(upstream.key) has no units") }
                    (upstream, staysAligned) = (unitPlan, false)
                }
                let isNew =
                    staysAligned ? aligned.insert(upstream.id).inserted : others.insert(upstream.id).inserted
                if isNew { open.append((upstream, staysAligned)) }
            }
        }
    }

    /// For each block, the units that may be blocked.
    ///
    /// - Complexity: one round trip, two where features over other ids are among the ancestors.
    func candidates(
        of plan: FeaturePlan, in blocks: Set<Int32>, _ work: WorkBlocks
    ) throws(StoreError) -> [Int32: BlockBits] {
        if !others.isEmpty, try work.isActive(among: others.sorted()) {
            let all = BlockBits(words: SIMD16(repeating: .max))
            return Dictionary(blocks.map { ($0, all) }) { first, _ in first }
        }
        var candidates: [Int32: BlockBits] = [:]
        let addresses = aligned.flatMap { feature in blocks.map { BlockAddress(feature: feature, block: $0) } }
        for (address, block) in try work.peek(addresses) {
            candidates[address.block, default: BlockBits()] |= block.candidates
        }
        return candidates
    }
}
