// Shows the current graph, or the part of it around a feature.

public import Feature
import Store

/// A question for a part of the graph.
public struct GraphQuery: Sendable {
    /// Only features of this project; nil for all.
    public var project: String?
    /// The feature in the middle; nil for everything.
    public var feature: FeatureKey?
    /// How many levels up and down from the feature: 0 or more.
    public var up: Int, down: Int

    /// A question for all of the graph, or for what is connected with `feature`.
    public init(project: String? = nil, feature: FeatureKey? = nil, up: Int = .max, down: Int = .max) {
        self.project = project
        self.feature = feature
        self.up = up
        self.down = down
    }
}

/// An input of a field: one edge of the graph.
public struct FieldEdge: Hashable, Sendable {
    /// The field that is used.
    public let from: FieldReference
    /// The field that is computed from it.
    public let to: FieldReference
}

/// A part of the graph.
public struct GraphDescription: Sendable {
    /// The features, upstream before downstream.
    public let features: [FeatureSummary]
    /// What their fields are computed from, both ends among `features`.
    public let edges: [FieldEdge]
}

extension GraphService {
    /// The part of the current graph that `query` asks for.
    ///
    /// - Throws: `.projectNotFound`, `.featureNotFound`, `.unavailable`.
    /// - Complexity: four round trips; O(features · fields).
    public func describe(_ query: GraphQuery) async throws(ServiceError) -> GraphDescription {
        try await transactions.read { (transaction) throws(ServiceError) in
            let graph = transaction.catalog.graph
            if let project = query.project { _ = try transaction.visibleProject(project) }
            var wanted = Set(graph.order)
            if let feature = query.feature {
                let key = try transaction.plan(feature).key
                wanted = reached(from: key, levels: query.up) { graph.upstream(of: $0) }
                wanted.formUnion(reached(from: key, levels: query.down) { graph.downstream(of: $0) })
            }
            let keys = transaction.visible.filter { key in
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
            return GraphDescription(features: try transaction.summaries(keys), edges: edges)
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
