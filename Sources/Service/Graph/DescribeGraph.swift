// The current graph, or the part of it around a feature.

public import Feature
import Store

/// A query for a part of the graph.
public struct GraphQuery: Sendable {
    /// Only features of this project; nil for all.
    public var project: String?
    /// The feature in the middle; nil for everything.
    public var feature: FeatureKey?
    /// The levels up and down from the feature, 0 or more.
    public var up: Int, down: Int

    /// A query for the whole graph, or for the features connected with `feature`.
    public init(project: String? = nil, feature: FeatureKey? = nil, up: Int = .max, down: Int = .max) {
        self.project = project
        self.feature = feature
        self.up = up
        self.down = down
    }
}

/// An input of a field: one edge of the graph.
public struct FieldEdge: Hashable, Sendable {
    /// The used field.
    public let from: FieldReference
    /// The field computed from it.
    public let to: FieldReference
}

/// A part of the graph.
public struct GraphDescription: Sendable {
    /// The features, upstream before downstream.
    public let features: [FeatureSummary]
    /// The inputs of their fields. Both ends of an edge are among `features`.
    public let edges: [FieldEdge]
}

extension GraphService {
    /// The part of the current graph that matches a query.
    ///
    /// - Throws: `.projectNotFound`, `.featureNotFound`, `.unavailable`.
    /// - Complexity: four round trips; O(features · fields).
    public func describe(_ query: GraphQuery) async throws(ServiceError) -> GraphDescription {
        try await transactions.read { (transaction) throws(ServiceError) in
            let graph = transaction.catalog.graph
            if let project = query.project { _ = try transaction.visible.project(project) }
            var wanted = Set(graph.order)
            if let feature = query.feature {
                let key = try transaction.plan(feature).key
                wanted = reached(from: key, levels: query.up) { graph.upstream(of: $0) }
                wanted.formUnion(reached(from: key, levels: query.down) { graph.downstream(of: $0) })
            }
            let keys = transaction.visible.features.filter { key in
                wanted.contains(key) && (query.project == nil || graph.members[key]?.project == query.project)
            }
            let shown = Set(keys)
            var edges: [FieldEdge] = []
            for key in keys {
                for field in graph[key]?.fields ?? [] {
                    let to = FieldReference(feature: key, field: field.key)
                    edges += graph.parents(of: to).filter { shown.contains($0.feature) }.map {
                        FieldEdge(from: $0, to: to)
                    }
                }
            }
            return GraphDescription(features: try FeatureSummary.all(keys, transaction), edges: edges)
        }
    }
}

/// Everything within `levels` steps of a feature, itself included.
private func reached(
    from start: FeatureKey, levels: Int, _ next: (FeatureKey) -> [FeatureKey]
) -> Set<FeatureKey> {
    var reached: Set<FeatureKey> = [start]
    var frontier = [start]
    var level = 0
    while level < levels, !frontier.isEmpty {
        frontier = frontier.flatMap(next).filter { reached.insert($0).inserted }
        level += 1
    }
    return reached
}
