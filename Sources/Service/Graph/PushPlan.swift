// Checks a push and computes its changes, before anything is written.

import Feature
import JSON
import Store

/// A checked push: the resulting graph, and how it differs from the present one.
struct PushPlan {
    /// A feature of the new graph whose definition the push stores.
    struct Definition {
        let key: FeatureKey
        let project: String
        let versions: GraphVersions.Versions
        let change: FeatureChange
    }

    let catalog: Catalog
    let project: String
    let hash: RecordHash
    let graph: FeatureGraph
    let projectVersion: String
    /// The pushed features and those of other projects whose versions follow from them, in topological order.
    let definitions: [Definition]
    /// Features of the project that the new graph lacks.
    let removed: [FeatureKey]

    /// - Parameter visibleProjects: the projects that the caller sees.
    init(_ push: GraphPush, _ catalog: Catalog, _ visibleProjects: VisibleProjects) throws(ServiceError) {
        self.catalog = catalog
        project = push.project
        let stored = catalog.projects[push.project]
        hash = stored?.hash ?? .standard
        if let expected = push.expectedVersion, expected != stored?.version {
            throw .preconditionFailed(current: stored?.version)
        }
        let pushed = Dictionary(push.features.enumerated().map { ($1.spec.key, $0) }) { first, _ in first }
        try Self.checkOwners(push, catalog, visibleProjects)
        try Self.checkUpstreams(push, catalog, visibleProjects)
        let others = catalog.graph.order.compactMap { catalog.graph.members[$0] }.filter { $0.project != push.project }
        let own = push.features.map {
            FeatureGraph.Member(spec: $0.spec, schema: $0.schema, project: push.project)
        }
        do {
            graph = try FeatureGraph(own + others)
        } catch {
            throw .invalidGraph(error.problems.map { Self.fault($0, pushed, catalog, visibleProjects) })
        }
        let problems = graph.admissionProblems()
        guard problems.isEmpty else {
            throw .invalidGraph(problems.map { Self.fault($0, pushed, catalog, visibleProjects) })
        }
        (definitions, projectVersion) = Self.define(graph, catalog, project: push.project, hash: hash)
        removed = catalog.graph.order.filter {
            catalog.graph.members[$0]?.project == push.project && pushed[$0] == nil
        }
    }

    /// Whether the project is already at the pushed version.
    var changesNothing: Bool {
        removed.isEmpty && catalog.projects[project]?.version == projectVersion
            && definitions.allSatisfy { $0.change == .unchanged }
    }

    /// The outcome of the push.
    func outcome(wasPushed: Bool) -> PushOutcome {
        var features = definitions.filter { $0.project == project }.map(feature)
        for key in removed {
            guard let id = catalog.features[key], let definition = catalog.definitions[id] else { continue }
            features.append(
                PushOutcome.Feature(
                    key: key, featureVersion: definition.featureVersion,
                    definitionVersion: definition.definitionVersion, change: .removed,
                    fields: definition.fields.map {
                        PushOutcome.Feature.Field(
                            key: $0.key, version: $0.version, codeVersion: $0.codeVersion, isChanged: false)
                    }))
        }
        return PushOutcome(projectVersion: projectVersion, wasPushed: wasPushed, features: features)
    }

    private func feature(_ definition: Definition) -> PushOutcome.Feature {
        let before = catalog[definition.key]
        let known = Dictionary((before?.fields ?? []).map { ($0.key, $0.version) }) { first, _ in first }
        let fields = (graph[definition.key]?.fields ?? []).map { field in
            let version = definition.versions.fieldVersions[field.key] ?? ""
            return PushOutcome.Feature.Field(
                key: field.key, version: version, codeVersion: field.codeVersion,
                isChanged: known[field.key] != version)
        }
        return PushOutcome.Feature(
            key: definition.key, featureVersion: definition.versions.featureVersion,
            definitionVersion: definition.versions.definitionVersion, change: definition.change, fields: fields)
    }

    /// The features whose definitions the push touches: the project's own, and others' that follow from them.
    private static func define(
        _ graph: FeatureGraph, _ catalog: Catalog, project: String, hash: RecordHash
    ) -> ([Definition], projectVersion: String) {
        var versions: [RecordHash: GraphVersions] = [hash: GraphVersions(graph, hash: hash)]
        var definitions: [Definition] = []
        for key in graph.order {
            guard let member = graph.members[key] else { continue }
            let memberHash = member.project == project ? hash : catalog.projects[member.project]?.hash ?? hash
            let graphVersions = versions[memberHash] ?? GraphVersions(graph, hash: memberHash)
            versions[memberHash] = graphVersions
            guard let own = graphVersions.features[key] else { continue }
            let change = change(of: key, to: own, catalog)
            if member.project == project || change != .unchanged {
                definitions.append(Definition(key: key, project: member.project, versions: own, change: change))
            }
        }
        return (definitions, versions[hash]?.projectVersion(of: project) ?? GraphVersions.emptyProjectVersion)
    }

    private static func change(
        of key: FeatureKey, to versions: GraphVersions.Versions, _ catalog: Catalog
    ) -> FeatureChange {
        guard let id = catalog.features[key], let definition = catalog.definitions[id] else { return .added }
        let isSame =
            definition.definitionVersion == versions.definitionVersion
            && definition.featureVersion == versions.featureVersion
        return isSame ? .unchanged : .changed
    }

    private static func checkOwners(
        _ push: GraphPush, _ catalog: Catalog, _ visibleProjects: VisibleProjects
    ) throws(ServiceError) {
        let project = catalog.projects[push.project]?.id
        var faults: [Fault] = []
        for (index, feature) in push.features.enumerated() {
            guard let owner = catalog.stored[feature.spec.key]?.project, owner != project else { continue }
            let name = catalog.projects.values.first { $0.id == owner }?.name ?? ""
            let holder = visibleProjects.sees(name) ? "the project \"\(name)\"" : "another project"
            faults.append(
                Fault(
                    .pointer("/features/\(index)/spec/key"),
                    "the feature \"\(feature.spec.key)\" belongs to \(holder)"))
        }
        if !faults.isEmpty { throw .invalidGraph(faults) }
    }

    /// Refuses deps on hidden features, so that no caller reads through a dep what it may not read.
    private static func checkUpstreams(
        _ push: GraphPush, _ catalog: Catalog, _ visibleProjects: VisibleProjects
    ) throws(ServiceError) {
        var faults: [Fault] = []
        for (index, feature) in push.features.enumerated() {
            for (position, dep) in feature.spec.deps.enumerated() {
                guard let owner = catalog.graph.members[dep.feature]?.project, !visibleProjects.sees(owner) else {
                    continue
                }
                faults.append(
                    Fault(
                        .pointer("/features/\(index)/spec/deps/\(position)/feature"),
                        "\(feature.spec.key): there is no feature \"\(dep.feature)\""))
            }
        }
        if !faults.isEmpty { throw .invalidGraph(faults) }
    }

    private static func fault(
        _ problem: GraphProblem, _ pushed: [FeatureKey: Int], _ catalog: Catalog, _ visibleProjects: VisibleProjects
    ) -> Fault {
        guard let index = pushed[problem.feature] else {
            let owner = catalog.graph.members[problem.feature]?.project
            guard owner.map({ visibleProjects.sees($0) }) ?? true else {
                return Fault(.pointer("/features"), "a feature of another project does not hold together with this")
            }
            return Fault(.pointer("/features"), "\(problem.feature): \(problem.detail)")
        }
        return Fault(.pointer("/features/\(index)/spec\(problem.pointer)"), "\(problem.feature): \(problem.detail)")
    }
}
