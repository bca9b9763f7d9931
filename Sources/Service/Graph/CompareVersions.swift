// Compares two versions of a project.

public import Feature
import Postgres
public import Store

/// How a feature differs between two versions of its project.
public struct FeatureDifference: Sendable {
    /// The feature.
    public let key: FeatureKey
    /// Added, changed or removed.
    public let change: FeatureChange
    /// Its definition in either version; nil where it is not part of it.
    public let before: StoredDefinition?, after: StoredDefinition?
}

/// How two versions of a project differ.
public struct ProjectDifference: Sendable {
    /// The compared versions.
    public let from: String, to: String
    /// The features that differ, by key.
    public let features: [FeatureDifference]
}

extension GraphService {
    /// Compares two versions of a project.
    ///
    /// - Parameters:
    ///   - from: a project version, or `latest`.
    ///   - to: likewise.
    /// - Throws: `.projectNotFound`, `.versionNotFound`, `.unavailable`.
    /// - Complexity: six round trips; O(features).
    public func difference(
        of project: String, from: String, to: String
    ) async throws(ServiceError) -> ProjectDifference {
        try await transactions.read { (transaction) throws(ServiceError) in
            let known = try transaction.visible.project(project)
            let before = try Self.push(from, of: known, transaction)
            let after = try Self.push(to, of: known, transaction)
            let definitions = try stored { () throws(StoreError) in
                try Registry(transaction.connection).definitions(
                    Array(Set(before.definitions + after.definitions)).sorted())
            }
            let byID = Dictionary(definitions.map { ($0.id, $0) }) { first, _ in first }
            var differences: [FeatureID: FeatureDifference] = [:]
            for (feature, pair) in Self.pairs(before, after, byID) where pair.before?.id != pair.after?.id {
                let change: FeatureChange =
                    pair.before == nil ? .added : pair.after == nil ? .removed : .changed
                differences[feature] = FeatureDifference(
                    key: transaction.catalog.key(of: feature), change: change, before: pair.before, after: pair.after)
            }
            return ProjectDifference(
                from: before.projectVersion, to: after.projectVersion,
                features: differences.values.sorted { $0.key < $1.key })
        }
    }

    private static func pairs(
        _ before: StoredPush, _ after: StoredPush, _ definitions: [DefinitionID: StoredDefinition]
    ) -> [FeatureID: (before: StoredDefinition?, after: StoredDefinition?)] {
        var pairs: [FeatureID: (before: StoredDefinition?, after: StoredDefinition?)] = [:]
        for definition in before.definitions.compactMap({ definitions[$0] }) {
            pairs[definition.feature, default: (nil, nil)].before = definition
        }
        for definition in after.definitions.compactMap({ definitions[$0] }) {
            pairs[definition.feature, default: (nil, nil)].after = definition
        }
        return pairs
    }

    /// The push of a project version; `latest` is the current one.
    private static func push(
        _ version: String, of project: StoredProject, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> StoredPush {
        let name = version == "latest" ? project.version : version
        let connection = transaction.connection
        let push = try name.flatMap { (name) throws(ServiceError) in
            try stored { () throws(StoreError) in try Registry(connection).push(project.id, version: name) }
        }
        guard let push else { throw .versionNotFound(version) }
        return push
    }
}
