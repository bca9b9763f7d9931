// A feature of the current graph with its definition, its neighbours, its counts and its settings.

public import Feature
import Postgres
public import Store

/// Counts of a feature's records and of its work.
public struct FeatureCounts: Hashable, Sendable {
    /// Live and soft-deleted records.
    public let records: Int, deleted: Int
    /// Units that may be handed out, that are in the hands of workers, and that need work but cannot be handed out.
    public let pending: Int, claimed: Int, parked: Int
    /// How many units there are and will be, as far as is known: those that exist and those still to be computed.
    public let units: Int
    /// Since when something could be handed out: microseconds since 1970; nil where nothing can.
    public let oldestPending: Int64?
}

/// A feature of the current graph.
public struct FeatureSummary: Sendable {
    /// Its key.
    public let key: FeatureKey
    /// The project that owns it.
    public let project: String
    /// Its spec.
    public let spec: FeatureSpec
    /// Its definition, with versions and fields.
    public let definition: StoredDefinition
    /// For each field of the definition, the upstream fields that it depends on and that the caller sees.
    public let parents: [[String]]
    /// The features it depends on, in the order of the spec, and those that depend on it, by key.
    public let upstream: [FeatureKey], downstream: [FeatureKey]
    /// Its records and what is to be done for them.
    public let counts: FeatureCounts
    /// How its work is handed out; nil for a root, which has none.
    public let dispatch: DispatchSettings?
}

extension FeatureSummary {
    /// Summaries of features of the current graph, in the order given.
    ///
    /// - Complexity: two round trips; one row for each 1,024 units with something to do.
    static func all(
        _ keys: [FeatureKey], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [FeatureSummary] {
        guard !keys.isEmpty else { return [] }
        let (connection, catalog, visible) = (transaction.connection, transaction.catalog, transaction.visible)
        let presences = try stored { () throws(StoreError) in try PresenceTable(connection).counts() }
        let work = try stored { () throws(StoreError) in try WorkOutlook(connection).counts() }
        let pending = Dictionary(work.map { ($0.feature, $0) }) { first, _ in first }
        return keys.compactMap { key in
            guard
                let id = catalog.features[key], let definition = catalog.definitions[id],
                let member = catalog.graph.members[key]
            else { return nil }
            let unit = catalog.units(of: key)?.id ?? id
            let work = pending[unit]
            let counts = FeatureCounts(
                records: presences[id]?.live ?? 0, deleted: presences[id]?.gone ?? 0, pending: work?.ready ?? 0,
                claimed: work?.leased ?? 0, parked: work?.parked ?? 0,
                units: (presences[unit]?.live ?? 0) + (work?.absent ?? 0), oldestPending: work?.oldest)
            return FeatureSummary(
                key: key, project: member.project, spec: member.spec, definition: definition,
                parents: definition.fields.map { visibleParents(of: $0, key, visible) },
                upstream: catalog.graph.upstream(of: key),
                downstream: catalog.graph.downstream(of: key).filter { visible.sees($0) },
                counts: counts, dispatch: catalog[unit]?.isRoot == false ? catalog.dispatch(of: unit) : nil)
        }
    }

    /// The fields of hidden features are left out: the spec names the feature, but not every field of it.
    private static func visibleParents(
        of field: StoredField, _ feature: FeatureKey, _ visible: VisibleCatalog
    ) -> [String] {
        guard !visible.projects.isEverything else { return field.parents }
        return visible.catalog.graph.parents(of: FieldReference(feature: feature, field: field.key))
            .filter { visible.sees($0.feature) }.map(\.description)
    }
}
