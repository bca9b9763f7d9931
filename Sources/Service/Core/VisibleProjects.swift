// Which projects a caller sees.

import Feature
import Store

/// The projects that whoever uses the service sees. What belongs to others is, for them, as if it were not there.
public struct VisibleProjects: Hashable, Sendable {
    /// The projects; nil for all.
    public let projects: Set<String>?

    /// All projects, also those that do not exist yet.
    public static let everything = VisibleProjects(nil)

    /// These projects; nil for all.
    public init(_ projects: Set<String>?) {
        self.projects = projects
    }

    /// Whether everything is seen.
    public var isEverything: Bool { projects == nil }

    /// Whether a project is seen.
    public func sees(_ project: String) -> Bool { projects?.contains(project) ?? true }

    /// Whether a feature of the current graph is seen.
    func sees(_ key: FeatureKey, in catalog: Catalog) -> Bool {
        isEverything || catalog.graph.members[key].map { sees($0.project) } ?? false
    }
}

extension ServiceTransaction {
    /// Whether a feature of the current graph is seen.
    func sees(_ key: FeatureKey) -> Bool { visibleProjects.sees(key, in: catalog) }

    /// Whether a feature is seen, also where it is no longer part of the graph.
    func sees(_ feature: FeatureID) -> Bool {
        guard !visibleProjects.isEverything else { return true }
        if let key = catalog[feature]?.key { return sees(key) }
        let owner = catalog.stored.values.first { $0.id == feature || $0.units == feature }?.project
        return catalog.projects.values.contains { $0.id == owner && visibleProjects.sees($0.name) }
    }

    /// The features of the current graph that are seen, upstream before downstream.
    var visible: [FeatureKey] { catalog.graph.order.filter { sees($0) } }

    /// The numbers under which the seen features have claims; nil for all.
    var visibleUnits: [FeatureID]? {
        guard !visibleProjects.isEverything else { return nil }
        return catalog.stored.values.flatMap { [$0.id, $0.units].compactMap { $0 } }.filter { sees($0) }
    }

    /// A project that is seen.
    ///
    /// - Throws: `.projectNotFound`.
    func visibleProject(_ name: String) throws(ServiceError) -> StoredProject {
        guard let project = catalog.projects[name], visibleProjects.sees(name) else { throw .projectNotFound(name) }
        return project
    }
}
