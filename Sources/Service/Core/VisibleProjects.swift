// Which projects a caller sees.

import Feature
import Store

/// The projects that a caller sees. Everything that belongs to other projects is reported as missing.
public struct VisibleProjects: Hashable, Sendable {
    /// The projects; nil for all.
    public let projects: Set<String>?

    /// All projects, also those that do not exist yet.
    public static let everything = VisibleProjects(nil)

    /// These projects; nil for all.
    public init(_ projects: Set<String>?) {
        self.projects = projects
    }

    /// Whether the caller sees every project.
    public var isEverything: Bool { projects == nil }

    /// Whether the caller sees a project.
    public func sees(_ project: String) -> Bool { projects?.contains(project) ?? true }

    /// Whether the caller sees a feature of the current graph.
    func sees(_ key: FeatureKey, in catalog: Catalog) -> Bool {
        isEverything || catalog.graph.members[key].map { sees($0.project) } ?? false
    }
}
