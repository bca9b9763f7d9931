// Projects, features and definitions as they are stored.

public import Feature
public import Postgres

/// A project and its settings.
public struct StoredProject: Hashable, Sendable {
    /// Its number.
    public let id: Int32
    /// Its name.
    public let name: String
    /// How its records are hashed.
    public let hash: RecordHash
    /// Its current version; nil before the first push.
    public let version: String?
    /// When it was made: microseconds since 1970.
    public let createdAt: Int64
    /// How many active claims its features may have at a time, all together; nil for any number.
    public let claimsMax: Int32?
}

/// A feature, current or removed.
public struct StoredFeature: Hashable, Sendable {
    /// Its number.
    public let id: FeatureID
    /// Its key.
    public let key: FeatureKey
    /// The project that owns it.
    public let project: Int32
    /// The id space of its records.
    public let space: Int32
    /// What stands for it where units are stored, and their id space; nil where its records are its units.
    public let units: FeatureID?, unitSpace: Int32?
    /// Its definition in the current graph; nil where it is no longer part of it.
    public let definition: DefinitionID?
    /// The slot of each field it ever had.
    public let slots: [FieldKey: Slot]
}

/// A field of a stored definition.
public struct StoredField: Hashable, Sendable {
    /// Its slot.
    public let slot: Slot
    /// Its key.
    public let key: FieldKey
    /// Its version.
    public let version: String
    /// Its code version.
    public let codeVersion: String
    /// The upstream fields it depends on, sorted.
    public let parents: [String]

    /// The field of these values.
    public init(slot: Slot, key: FieldKey, version: String, codeVersion: String, parents: [String]) {
        self.slot = slot
        self.key = key
        self.version = version
        self.codeVersion = codeVersion
        self.parents = parents
    }
}

/// A definition of a feature, current or not.
public struct StoredDefinition: Hashable, Sendable {
    /// Its number.
    public let id: DefinitionID
    /// Whose definition it is.
    public let feature: FeatureID
    /// The versions that follow from it.
    public let featureVersion: String, definitionVersion: String, specVersion: String, codeVersion: String
    /// The spec, canonical JSON.
    public let spec: [UInt8]
    /// The schema, JSON; nil where none was pushed.
    public let schema: [UInt8]?
    /// Its fields in the order of the spec.
    public let fields: [StoredField]

    /// The definition of these values.
    public init(
        id: DefinitionID, feature: FeatureID, featureVersion: String, definitionVersion: String, specVersion: String,
        codeVersion: String, spec: [UInt8], schema: [UInt8]?, fields: [StoredField]
    ) {
        self.id = id
        self.feature = feature
        self.featureVersion = featureVersion
        self.definitionVersion = definitionVersion
        self.specVersion = specVersion
        self.codeVersion = codeVersion
        self.spec = spec
        self.schema = schema
        self.fields = fields
    }
}

/// A push as it is remembered.
public struct StoredPush: Hashable, Sendable {
    /// Its number; later pushes have greater ones.
    public let id: Int64
    /// The project version that it made current.
    public let projectVersion: String
    /// When: microseconds since 1970.
    public let pushedAt: Int64
    /// What its author said.
    public let message: String?
    /// Its tags, a JSON object.
    public let tags: [UInt8]
    /// The definitions of the project's features.
    public let definitions: [DefinitionID]
}

/// Everything that a server process keeps of the registry.
public struct RegistryContents: Sendable {
    /// The revision that this is.
    public let revision: Int64
    /// All projects.
    public let projects: [StoredProject]
    /// All features, removed ones too.
    public let features: [StoredFeature]
    /// The current definitions.
    public let definitions: [StoredDefinition]
    /// The columns of each id space.
    public let spaces: [Int32: [String]]
    /// How the work of features is handed out, where that was said.
    public let dispatches: [FeatureID: StoredDispatch]
}

/// Reads the registry.
///
/// Writers hold the registry lock shared, a push holds it alone: so no one writes under a graph that is being replaced.
public struct Registry {
    let connection: Connection

    /// The registry seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Takes the registry lock until the end of the transaction.
    ///
    /// The revision is read by a statement of its own, after the lock is held: its snapshot is not older than the lock.
    ///
    /// - Parameter exclusive: true for a push, false for any other writer.
    /// - Returns: the registry's revision.
    /// - Throws: `.database`.
    /// - Complexity: one round trip (two statements in a pipeline).
    public func lock(exclusive: Bool) throws(StoreError) -> Int64 {
        do {
            let results = try connection.pipeline([
                (exclusive ? .named("registry_lock") : .named("registry_lock_shared"), []),
                (.named("registry_revision"), []),
            ])
            return try results[1].single().int8(0)
        } catch {
            throw StoreError(error)
        }
    }

    /// The registry's revision.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func revision() throws(StoreError) -> Int64 {
        let revision = try connection.row(.named("registry_revision")) { row throws(PostgresError) in try row.int8(0) }
        guard let revision else { throw .corrupt("the registry has no revision") }
        return revision
    }

    /// Everything that is current, and every feature and space.
    ///
    /// - Throws: `.database`, `.corrupt`.
    /// - Complexity: six round trips; O(features).
    public func contents() throws(StoreError) -> RegistryContents {
        let revision = try revision()
        let projects = try connection.rows(.named("registry_projects"), [], Self.project)
        let slots = try fieldSlots()
        let features = try connection.rows(.named("registry_features")) { row throws(PostgresError) in
            (
                id: try row.int4(0), key: try row.text(1), project: try row.int4(2), space: try row.int4(3),
                definition: try row.int8OrNil(4), units: try row.int4OrNil(5), unitSpace: try row.int4OrNil(6)
            )
        }
        var stored: [StoredFeature] = []
        for feature in features {
            stored.append(
                StoredFeature(
                    id: feature.id, key: try Self.featureKey(feature.key), project: feature.project,
                    space: feature.space, units: feature.units, unitSpace: feature.unitSpace,
                    definition: feature.definition, slots: slots[feature.id] ?? [:]))
        }
        let spaces = try connection.rows(.named("registry_spaces")) { row throws(PostgresError) in
            (try row.int4(0), try row.textArray(1).compactMap { $0 })
        }
        return RegistryContents(
            revision: revision, projects: projects, features: stored,
            definitions: try definitions(stored.compactMap(\.definition)),
            spaces: Dictionary(spaces) { first, _ in first }, dispatches: try DispatchTable(connection).all())
    }

    /// Definitions by number.
    ///
    /// - Returns: those that exist.
    /// - Throws: `.database`, `.corrupt`.
    /// - Complexity: one round trip.
    public func definitions(_ ids: [DefinitionID]) throws(StoreError) -> [StoredDefinition] {
        let found = try connection.rows(.named("registry_definitions"), [.int8Array(ids)]) {
            row throws(PostgresError) in
            (
                StoredDefinition(
                    id: try row.int8(0), feature: try row.int4(1), featureVersion: try row.text(2),
                    definitionVersion: try row.text(3), specVersion: try row.text(4), codeVersion: try row.text(5),
                    spec: Array(try row.text(6).utf8), schema: try row.textOrNil(7).map { Array($0.utf8) }, fields: []),
                fields: try row.jsonb(8)
            )
        }
        var definitions: [StoredDefinition] = []
        for (definition, fields) in found {
            definitions.append(
                StoredDefinition(
                    id: definition.id, feature: definition.feature, featureVersion: definition.featureVersion,
                    definitionVersion: definition.definitionVersion, specVersion: definition.specVersion,
                    codeVersion: definition.codeVersion, spec: definition.spec, schema: definition.schema,
                    fields: try StoredField.read(fields)))
        }
        return definitions
    }

    /// The definitions of a feature that have a feature version.
    ///
    /// - Returns: empty where none has.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func definitions(of feature: FeatureID, version: String) throws(StoreError) -> [DefinitionID] {
        try connection.rows(.named("registry_version"), [.int4(feature), .text(version)]) { row throws(PostgresError) in
            try row.int8(0)
        }
    }

    /// The pushes of a project, newest first.
    ///
    /// - Parameters:
    ///   - before: the oldest push of the page before; `.max` for the first page.
    ///   - limit: how many at most.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit).
    public func pushes(_ project: Int32, before: Int64, limit: Int) throws(StoreError) -> [StoredPush] {
        try connection.rows(
            .named("registry_pushes"), [.int4(project), .int8(before), .int8(Int64(limit))]
        ) { row throws(PostgresError) in
            StoredPush(
                id: try row.int8(0), projectVersion: try row.text(1), pushedAt: try row.timestamp(2),
                message: try row.textOrNil(3), tags: try row.jsonb(4), definitions: try row.int8Array(5))
        }
    }

    /// A project by name.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func project(named name: String) throws(StoreError) -> StoredProject? {
        try connection.row(.named("registry_project"), [.text(name)], Self.project)
    }

    private func fieldSlots() throws(StoreError) -> [FeatureID: [FieldKey: Slot]] {
        let fields = try connection.rows(.named("registry_fields")) { row throws(PostgresError) in
            (try row.int4(0), try row.int2(1), try row.text(2))
        }
        var slots: [FeatureID: [FieldKey: Slot]] = [:]
        for (feature, slot, key) in fields {
            slots[feature, default: [:]][try StoredField.fieldKey(key)] = slot
        }
        return slots
    }

    private static func project(_ row: Row) throws(PostgresError) -> StoredProject {
        guard
            let algorithm = HashAlgorithm(rawValue: try row.text(2)),
            let hash = RecordHash(algorithm: algorithm, truncation: Int(try row.int4(3)))
        else { throw PostgresError(.decode, "a project has hash settings that this program does not know") }
        return StoredProject(
            id: try row.int4(0), name: try row.text(1), hash: hash, version: try row.textOrNil(4),
            createdAt: try row.timestamp(5), claimsMax: try row.int4OrNil(6))
    }

    private static func featureKey(_ text: String) throws(StoreError) -> FeatureKey {
        guard let key = FeatureKey(text) else { throw .corrupt("the feature key \(text) is not one") }
        return key
    }
}
