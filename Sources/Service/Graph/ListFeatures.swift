// Lists the features of the current graph.

public import Feature
import Store

extension GraphService {
    /// A page of the current features in the order of their keys.
    ///
    /// - Parameters:
    ///   - project: nil for those of all projects.
    ///   - prefix: the prefix of the listed keys; nil for any.
    ///   - after: the last key of the page before; nil for the first page.
    ///   - limit: 1...`TransactionLimits.pageRowsMax`.
    /// - Returns: the features, and whether there are more.
    /// - Throws: `.projectNotFound`, `.unavailable`.
    /// - Complexity: four round trips.
    public func features(
        project: String?, prefix: String?, after: String?, limit: Int
    ) async throws(ServiceError) -> (features: [FeatureSummary], hasMore: Bool) {
        try await transactions.read { (transaction) throws(ServiceError) in
            if let project { _ = try transaction.visible.project(project) }
            let after = after.flatMap { FeatureKey($0) }
            let keys = transaction.visible.features.sorted().filter { key in
                (project == nil || transaction.catalog.graph.members[key]?.project == project)
                    && (prefix.map { key.description.utf8.starts(with: $0.utf8) } ?? true)
                    && (after.map { $0 < key } ?? true)
            }
            return (try FeatureSummary.all(Array(keys.prefix(limit)), transaction), keys.count > limit)
        }
    }

    /// A feature of the current graph.
    ///
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: four round trips.
    public func feature(_ key: FeatureKey) async throws(ServiceError) -> FeatureSummary {
        try await transactions.read { (transaction) throws(ServiceError) in
            let key = try transaction.plan(key).key
            guard let summary = try FeatureSummary.all([key], transaction).first else {
                throw .featureNotFound(key.description)
            }
            return summary
        }
    }
}
