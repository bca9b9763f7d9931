// Lists projects and their pushes.

import Feature
import Postgres
public import Store

/// A project.
public struct ProjectSummary: Sendable, Hashable {
    /// Its settings and current version.
    public let project: StoredProject
    /// How many features it has in the current graph.
    public let features: Int
}

extension GraphService {
    /// A page of the projects in the order of their names.
    ///
    /// - Parameters:
    ///   - after: the last name of the page before; nil for the first page.
    ///   - limit: 1...`TransactionLimits.pageRowsMax`.
    /// - Returns: the projects, and whether there are more.
    /// - Throws: `.unavailable`.
    /// - Complexity: two round trips.
    public func projects(
        after: String?, limit: Int
    ) async throws(ServiceError) -> (projects: [ProjectSummary], hasMore: Bool) {
        try await transactions.read { (transaction) throws(ServiceError) in
            let names = transaction.catalog.projects.keys.filter { name in
                transaction.visibleProjects.sees(name)
                    && (after.map { $0.utf8.lexicographicallyPrecedes(name.utf8) } ?? true)
            }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            return (names.prefix(limit).compactMap { transaction.catalog.summary(ofProject: $0) }, names.count > limit)
        }
    }

    /// A project.
    ///
    /// - Throws: `.projectNotFound`, `.unavailable`.
    /// - Complexity: two round trips.
    public func project(_ name: String) async throws(ServiceError) -> ProjectSummary {
        try await transactions.read { (transaction) throws(ServiceError) in
            guard transaction.visibleProjects.sees(name), let summary = transaction.catalog.summary(ofProject: name)
            else {
                throw .projectNotFound(name)
            }
            return summary
        }
    }

    /// A page of a project's pushes, newest first.
    ///
    /// - Parameters:
    ///   - before: the oldest push of the page before; `.max` for the first page.
    ///   - limit: 1...`TransactionLimits.pageRowsMax`.
    /// - Returns: the pushes, and whether there are more.
    /// - Throws: `.projectNotFound`, `.unavailable`.
    /// - Complexity: three round trips; O(limit).
    public func pushes(
        of project: String, before: Int64, limit: Int
    ) async throws(ServiceError) -> (pushes: [StoredPush], hasMore: Bool) {
        try await transactions.read { (transaction) throws(ServiceError) in
            let stored = try transaction.visible.project(project)
            let pushes = try Service.stored { () throws(StoreError) in
                try Registry(transaction.connection).pushes(stored.id, before: before, limit: limit + 1)
            }
            return (Array(pushes.prefix(limit)), pushes.count > limit)
        }
    }
}

extension Catalog {
    /// A project and the number of its features; nil for no such project.
    func summary(ofProject name: String) -> ProjectSummary? {
        guard let project = projects[name] else { return nil }
        return ProjectSummary(
            project: project, features: graph.members.values.count { $0.project == name })
    }
}
