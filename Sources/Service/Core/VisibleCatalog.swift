// The current graph as a caller sees it, who may be limited to some projects.

import Feature
import Store

/// A catalog with the projects that a caller sees. Every name in a request is looked up here, so that a feature of a hidden
/// project is reported as missing.
struct VisibleCatalog {
    let catalog: Catalog
    let projects: VisibleProjects

    /// Whether a feature of the current graph is visible.
    func sees(_ key: FeatureKey) -> Bool { projects.sees(key, in: catalog) }

    /// Whether a feature is visible, also where it is no longer part of the graph.
    func sees(_ feature: FeatureID) -> Bool {
        guard !projects.isEverything else { return true }
        if let key = catalog[feature]?.key { return sees(key) }
        let owner = catalog.stored.values.first { $0.id == feature || $0.units == feature }?.project
        return catalog.projects.values.contains { $0.id == owner && projects.sees($0.name) }
    }

    /// The visible features of the current graph, upstream before downstream.
    var features: [FeatureKey] { catalog.graph.order.filter { sees($0) } }

    /// The ids under which visible features have claims; nil for all.
    var units: [FeatureID]? {
        guard !projects.isEverything else { return nil }
        return catalog.stored.values.flatMap { [$0.id, $0.units].compactMap { $0 } }.filter { sees($0) }
    }

    /// The plan of a visible feature.
    ///
    /// - Throws: `.featureNotFound`.
    func plan(_ key: FeatureKey) throws(ServiceError) -> FeaturePlan {
        guard let plan = catalog[key], sees(key) else { throw .featureNotFound(key.description) }
        return plan
    }

    /// The plan of the units of a visible feature.
    ///
    /// - Throws: `.featureNotFound`.
    func unitPlan(_ key: FeatureKey) throws(ServiceError) -> FeaturePlan {
        guard let plan = catalog.units(of: key), sees(key) else { throw .featureNotFound(key.description) }
        return plan
    }

    /// A visible project.
    ///
    /// - Throws: `.projectNotFound`.
    func project(_ name: String) throws(ServiceError) -> StoredProject {
        guard let project = catalog.projects[name], projects.sees(name) else { throw .projectNotFound(name) }
        return project
    }
}

extension Catalog {
    /// The key of a feature, also where the feature is no longer part of the graph.
    ///
    /// - Precondition: the registry knows the feature.
    func key(of feature: FeatureID) -> FeatureKey {
        let removed = { stored.values.first { $0.id == feature || $0.units == feature }?.key }
        guard let key = self[feature]?.key ?? removed() else {
            preconditionFailure("feature \(feature) is not in the registry")
        }
        return key
    }
}
