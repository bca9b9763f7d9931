// The features upstream of a feature, near and far, and whether they have candidates.

import Feature
import Store

/// The features upstream of one.
///
/// A unit whose ancestors have no candidates is not blocked. Bitmaps answer this for a thousand units at once.
struct Ancestors {
    /// Ancestors that share the record ids on every step, so that a unit and its ancestor have the same id.
    private(set) var aligned: Set<FeatureID> = []
    /// All other ancestors.
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

    /// For each block, the units that may be blocked, unless `isAnyOpen` is true.
    func candidates(in blocks: Set<Int32>) -> Question<[Int32: BlockBits]> {
        WorkTable.candidates(of: aligned.sorted(), in: blocks)
    }

    /// Whether an ancestor with other record ids has candidates. Then any unit may be blocked.
    ///
    /// - Complexity: one round trip, none where there are no such features.
    func isAnyOpen(_ work: WorkTable) throws(StoreError) -> Bool {
        guard !others.isEmpty else { return false }
        return try work.isActive(among: others.sorted())
    }

    /// All units of `blocks`.
    static func all(of blocks: Set<Int32>) -> [Int32: BlockBits] {
        let all = BlockBits(words: SIMD16(repeating: .max))
        return Dictionary(blocks.map { ($0, all) }) { first, _ in first }
    }
}
