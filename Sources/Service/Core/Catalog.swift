// The current graph, resolved, with a plan for each feature.

public import Feature
import JSON
public import Store

/// The registry at one revision, with the plan of every current feature. Immutable.
public struct Catalog: Sendable {
    /// A dep that points at a feature from downstream.
    public struct Edge: Hashable, Sendable {
        /// The downstream feature.
        public let feature: FeatureID
        /// Its dep, by position.
        public let dep: Int
    }

    /// The registry's revision.
    public let revision: Int64
    /// The current graph.
    public let graph: FeatureGraph
    /// The plan of each current feature, and of the units of each expansion.
    public let plans: [FeatureID: FeaturePlan]
    /// Projects by name.
    public let projects: [String: StoredProject]
    /// Current features by key.
    public let features: [FeatureKey: FeatureID]
    /// Every feature that ever was, current or removed, by key.
    public let stored: [FeatureKey: StoredFeature]
    /// The current definition of each current feature.
    public let definitions: [FeatureID: StoredDefinition]
    /// The columns of each id space.
    public let spaces: [Int32: [String]]
    /// The shape of rows that are written to each current feature.
    let shapes: [FeatureKey: RowShape]
    /// The settings of dispatch of features that have some.
    public let dispatches: [FeatureID: StoredDispatch]
    private let edges: [FeatureID: [Edge]]
    private let watchedColumns: [FeatureID: [String]]
    private let ranks: [FeatureID: Int]

    /// Resolves the contents of the registry.
    ///
    /// - Throws: `.corrupt` where the stored graph is invalid.
    /// - Complexity: O(features · fields).
    public init(_ contents: RegistryContents) throws(StoreError) {
        revision = contents.revision
        spaces = contents.spaces
        dispatches = contents.dispatches
        projects = Dictionary(contents.projects.map { ($0.name, $0) }) { first, _ in first }
        stored = Dictionary(contents.features.map { ($0.key, $0) }) { first, _ in first }
        definitions = Dictionary(contents.definitions.map { ($0.feature, $0) }) { first, _ in first }
        let byID = Dictionary(contents.projects.map { ($0.id, $0) }) { first, _ in first }
        var members: [FeatureGraph.Member] = []
        for feature in contents.features {
            guard let definition = definitions[feature.id], let project = byID[feature.project] else { continue }
            members.append(try Self.member(definition, project: project.name))
        }
        do { graph = try FeatureGraph(members) } catch { throw .corrupt("the stored graph is invalid: \(error)") }
        let builder = PlanBuilder(graph: graph, stored: stored, definitions: definitions, projects: byID)
        var plans: [FeatureID: FeaturePlan] = [:]
        var edges: [FeatureID: [Edge]] = [:]
        var watched: [FeatureID: Set<String>] = [:]
        for key in graph.order {
            let (records, plan) = try builder.plans(key)
            plans[records.id] = records
            plans[plan.id] = plan
            for (position, dep) in plan.deps.enumerated() {
                edges[dep.upstream, default: []].append(Edge(feature: plan.id, dep: position))
                if !dep.watched.isEmpty { watched[dep.upstream, default: []].formUnion(dep.watched) }
            }
        }
        self.plans = plans
        self.edges = edges
        watchedColumns = watched.mapValues { $0.sorted() }
        features = Dictionary(plans.values.filter { $0.children == nil }.map { ($0.key, $0.id) }) { first, _ in first }
        shapes = features.compactMapValues { plans[$0].map { RowShape($0) } }
        ranks = Self.ranks(graph.order, features: stored)
    }

    /// The plan of a current feature.
    public subscript(feature: FeatureID) -> FeaturePlan? { plans[feature] }

    /// The plan of a current feature.
    public subscript(key: FeatureKey) -> FeaturePlan? { features[key].flatMap { plans[$0] } }

    /// The plan of the units of a current feature. It is the plan of the records, except for an expansion.
    public func units(of key: FeatureKey) -> FeaturePlan? {
        self[key].flatMap { records in records.units.map { plans[$0] } ?? records }
    }

    /// The current features that depend directly on `feature`.
    public func downstream(of feature: FeatureID) -> [Edge] { edges[feature] ?? [] }

    /// The metadata columns of a feature's records that a feature downstream watches.
    public func watched(of feature: FeatureID) -> [String] { watchedColumns[feature] ?? [] }

    /// The position of a feature in the order in which blocks are locked: upstream before downstream, units before their
    /// records; -1 for a feature that is not in the graph.
    public func rank(_ feature: FeatureID) -> Int { ranks[feature] ?? -1 }

    private static func member(
        _ definition: StoredDefinition, project: String
    ) throws(StoreError) -> FeatureGraph.Member {
        do {
            let spec = try FeatureSpec(json: try JSONValue(parsing: definition.spec), at: "")
            let schema = try definition.schema.map { try JSONValue(parsing: $0) }
            return FeatureGraph.Member(spec: spec, schema: schema, project: project)
        } catch {
            throw .corrupt("the spec of definition \(definition.id) cannot be read: \(error)")
        }
    }

    private static func ranks(
        _ order: [FeatureKey], features: [FeatureKey: StoredFeature]
    ) -> [FeatureID: Int] {
        var ranks: [FeatureID: Int] = [:]
        for (rank, key) in order.enumerated() {
            guard let feature = features[key] else { continue }
            ranks[feature.id] = 2 * rank + 1
            if let units = feature.units { ranks[units] = 2 * rank }
        }
        return ranks
    }
}
