// Writes a checked push: definitions first, then the work that follows from them.

import Feature
import JSON
import Store

/// A push being carried out, in the transaction that holds the registry lock alone.
struct PushExecution {
    private let plan: PushPlan
    private let push: GraphPush
    private let writer: Writer

    init(_ plan: PushPlan, _ push: GraphPush, _ writer: Writer) {
        self.plan = plan
        self.push = push
        self.writer = writer
    }

    /// Stores the definitions, makes them current and marks the work.
    mutating func run(_ transaction: inout ServiceTransaction) throws(ServiceError) -> PushOutcome {
        transaction.ledger.noteAlone()
        let registry = Registry(transaction.connection)
        let wasPushed = try stored { () throws(StoreError) in
            guard let project = plan.catalog.projects[push.project] else { return false }
            return try registry.wasPushed(project.id, version: plan.projectVersion)
        }
        let catalog = try write(registry, transaction)
        try transaction.begin(writer, change(catalog))
        transaction.moveOn(to: catalog)
        var marking = PushMarking(before: plan.catalog)
        try marking.run(&transaction, plan.definitions.map(\.key))
        return plan.outcome(wasPushed: wasPushed)
    }

    private func change(_ catalog: Catalog) -> LoggedChange {
        let detail = ChangeDetail.texts([
            "project_version": plan.projectVersion, "message": push.message ?? "",
        ])
        return LoggedChange(.pushed, project: catalog.projects[push.project]?.id, detail: detail)
    }

    private func write(_ registry: Registry, _ transaction: ServiceTransaction) throws(ServiceError) -> Catalog {
        let project = try stored { () throws(StoreError) in
            if let known = plan.catalog.projects[push.project] { return known.id }
            return try registry.createProject(push.project, hash: plan.hash)
        }
        var activated: [(feature: FeatureID, definition: DefinitionID?)] = []
        var own: [DefinitionID] = []
        for definition in plan.definitions {
            let (feature, id) = try store(definition, project: project, registry, transaction)
            activated.append((feature, id))
            if definition.project == push.project { own.append(id) }
        }
        for key in plan.removed { activated.append((plan.catalog.features[key] ?? 0, nil)) }
        var tags = JSONWriter()
        tags.value(push.tags)
        return try stored { () throws(StoreError) in
            try registry.activate(activated)
            try registry.recordPush(
                project, version: plan.projectVersion, message: push.message, tags: tags.bytes, definitions: own)
            return try Catalog(registry.contents())
        }
    }

    private func store(
        _ definition: PushPlan.Definition, project: Int32, _ registry: Registry, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> (FeatureID, DefinitionID) {
        guard let member = plan.graph.members[definition.key] else {
            throw .internal("the feature \(definition.key) left the graph")
        }
        let feature = try feature(member, project: project, registry, transaction)
        try prepareUnits(member.spec, feature, registry, transaction)
        let slots = try stored { () throws(StoreError) in try fieldSlots(member.spec, feature, registry) }
        var fields: [StoredField] = []
        for field in member.spec.fields {
            let reference = FieldReference(feature: definition.key, field: field.key)
            guard let slot = slots[field.key], let version = definition.versions.fieldVersions[field.key] else {
                throw .internal("the field \(reference) has no slot or version")
            }
            fields.append(
                StoredField(
                    slot: slot, key: field.key, version: version, codeVersion: field.codeVersion,
                    parents: plan.graph.parents(of: reference).map(\.description)))
        }
        let versions = definition.versions
        let row = StoredDefinition(
            id: 0, feature: feature, featureVersion: versions.featureVersion,
            definitionVersion: versions.definitionVersion, specVersion: versions.specVersion,
            codeVersion: versions.codeVersion, spec: member.spec.canonical,
            schema: member.schema.map { canonicalJSON($0) }, fields: fields)
        let id = try stored { () throws(StoreError) in try registry.define(row) }
        return (feature, id)
    }

    /// The feature's id. A new feature gets an id and its storage.
    private func feature(
        _ member: FeatureGraph.Member, project: Int32, _ registry: Registry, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> FeatureID {
        let storage = FeatureStorage(transaction.connection)
        let space = try stored { () throws(StoreError) in
            try self.space(member.spec.idColumns, registry, storage)
        }
        guard let known = plan.catalog.stored[member.spec.key] else {
            return try stored { () throws(StoreError) in
                let feature = try registry.createFeature(member.spec.key, project: project, space: space)
                try storage.createFeature(feature)
                return feature
            }
        }
        guard known.space != space else { return known.id }
        let last = try stored { () throws(StoreError) in try HeadTable(transaction.connection, feature: known.id).last()
        }
        guard last < 0 else {
            let columns = plan.catalog.spaces[known.space]?.joined(separator: ", ") ?? ""
            throw refusal(member.spec, at: "id_columns", "has records identified by (\(columns))")
        }
        try stored { () throws(StoreError) in try registry.moveFeature(known.id, to: space) }
        return known.id
    }

    private func space(
        _ columns: [String], _ registry: Registry, _ storage: FeatureStorage
    ) throws(StoreError) -> Int32 {
        let (space, isNew) = try registry.space(columns)
        if isNew { try storage.createSpace(space) }
        return space
    }

    /// Creates the storage for the units of an expansion. Refuses to turn an existing feature into an expansion, or back, once
    /// it has records.
    private func prepareUnits(
        _ spec: FeatureSpec, _ feature: FeatureID, _ registry: Registry, _ transaction: ServiceTransaction
    ) throws(ServiceError) {
        let known = plan.catalog.stored[spec.key]
        guard spec.isExpansion || known?.units != nil else { return }
        let connection = transaction.connection
        let storage = FeatureStorage(connection)
        let (hasRecords, hasUnits) = try stored { () throws(StoreError) in
            let units = try known?.units.map { (units) throws(StoreError) in
                try HeadTable(connection, feature: units).last()
            }
            return (try HeadTable(connection, feature: feature).last() >= 0, (units ?? -1) >= 0)
        }
        guard spec.isExpansion else {
            if hasUnits { throw refusal(spec, at: "deps", "has records that were expanded from others") }
            return
        }
        if hasRecords && !hasUnits {
            throw refusal(spec, at: "deps", "has records that were not expanded from others")
        }
        let space = try stored { () throws(StoreError) in try self.space(spec.unitColumns, registry, storage) }
        if hasUnits && known?.unitSpace != space {
            let columns = known?.unitSpace.flatMap { plan.catalog.spaces[$0] }?.joined(separator: ", ") ?? ""
            throw refusal(spec, at: "deps", "has records that were expanded on (\(columns))")
        }
        try stored { () throws(StoreError) in
            if known?.units == nil {
                try storage.createFeature(try registry.createUnits(of: feature, space: space))
            } else if known?.unitSpace != space {
                try registry.moveUnits(of: feature, to: space)
            }
        }
    }

    private func refusal(_ spec: FeatureSpec, at member: String, _ detail: String) -> ServiceError {
        let index = push.features.firstIndex { $0.spec.key == spec.key } ?? 0
        return .invalidGraph([
            Fault(
                .pointer("/features/\(index)/spec/\(member)"), "\(spec.key) \(detail); give the feature another key")
        ])
    }

    private func fieldSlots(
        _ spec: FeatureSpec, _ feature: FeatureID, _ registry: Registry
    ) throws(StoreError) -> [FieldKey: Slot] {
        var slots = plan.catalog.stored[spec.key]?.slots ?? [:]
        var next = (slots.values.max() ?? 0) + 1
        var added: [(slot: Slot, key: FieldKey)] = []
        for field in spec.fields where slots[field.key] == nil {
            slots[field.key] = next
            added.append((next, field.key))
            next += 1
        }
        try registry.createFields(feature, added)
        return slots
    }
}
