// What a resolve looks at, beyond what the definitions say.

public import Feature
import JSON

/// Conditions that one resolve puts on the records it looks at.
///
/// With any of them the whole feature is judged, not only its candidates: what is up to date without them may be new,
/// stale or orphaned under them.
public struct IncrementRestriction: Hashable, Sendable {
    /// Which records count, by feature: those that pass every filter. For upstream features and the feature itself.
    public var filters: [FeatureKey: [Filter]]
    /// Which records count, of the feature and of each of its upstreams.
    public var global: [Filter]
    /// Which of the feature's own records count; the others are as if they had never been computed.
    public var target: [Filter]
    /// Which of the feature's own records are stale whatever their inputs: those that pass any. Unknown does not.
    public var predicates: [Filter]
    /// Whether everything expected is new, whatever was computed.
    public var skipsComparison: Bool

    /// Whether to answer as the Metaxy library does: only records written under the current feature versions exist,
    /// deleted records are new where they are expected, nothing is blocked, and a group has a row for each of its
    /// upstream records.
    public var isCompatible = false

    /// A restriction to records that pass these filters.
    public init(
        filters: [FeatureKey: [Filter]] = [:], global: [Filter] = [], target: [Filter] = [],
        predicates: [Filter] = [], skipsComparison: Bool = false
    ) {
        self.filters = filters
        self.global = global
        self.target = target
        self.predicates = predicates
        self.skipsComparison = skipsComparison
    }

    /// Whether it restricts nothing.
    public var isEmpty: Bool { self == IncrementRestriction() }

    /// The filters on the records of an upstream feature, by the upstream's own column names.
    func filters(onUpstream key: FeatureKey) -> [Filter] { (filters[key] ?? []) + global }

    /// The filters on the records of the feature itself.
    func filters(onTarget key: FeatureKey) -> [Filter] { (filters[key] ?? []) + global + target }

    /// Refuses filters for features that are neither the resolved one nor upstream of it.
    ///
    /// A filter on an upstream feature reaches all of its columns, so one that the caller does not see takes none.
    func check(_ plan: FeaturePlan, _ transaction: ServiceTransaction) throws(ServiceError) {
        let upstreams = plan.spec.deps.map(\.feature)
        let known = Set(upstreams.filter { transaction.visible.sees($0) } + [plan.key])
        if !global.isEmpty, !upstreams.allSatisfy({ transaction.visible.sees($0) }) {
            throw .invalid([
                Fault(.pointer("/global_filters"), "\(plan.key) has upstream features of another project")
            ])
        }
        let faults = filters.keys.sorted().filter { !known.contains($0) }.map { key in
            Fault(
                .pointer(JSONPointer.root.appending("filters").appending(key.description).description),
                "\(key) is neither \(plan.key) nor one of its upstream features")
        }
        if !faults.isEmpty { throw .invalid(faults) }
    }
}
