// Changes to the registry, made by a push that holds the registry lock alone.

public import Feature
import Postgres

extension Registry {
    /// Makes a project.
    ///
    /// - Throws: `.database`; a unique violation where it exists.
    /// - Complexity: one round trip.
    public func createProject(_ name: String, hash: RecordHash) throws(StoreError) -> Int32 {
        let parameters: [Parameter] = [
            .text(name), .text(hash.algorithm.rawValue), .int4(Int32(hash.truncation)),
        ]
        return try number(.named("registry_create_project"), parameters)
    }

    /// Changes a project's hash settings.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func changeProject(_ id: Int32, hash: RecordHash) throws(StoreError) {
        try connection.run(
            .named("registry_change_project"),
            [.int4(id), .text(hash.algorithm.rawValue), .int4(Int32(hash.truncation))])
    }

    /// Changes how many active claims a project may have at a time.
    ///
    /// - Parameter most: nil for any number.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func changeProject(_ id: Int32, claimsMax most: Int32?) throws(StoreError) {
        try connection.run(.named("registry_cap_project"), [.int4(id), .int4(most)])
    }

    /// The id space of these columns, made when there is none.
    ///
    /// - Returns: the space, and whether it was made now.
    /// - Throws: `.database`.
    /// - Complexity: one round trip, two when it is made.
    public func space(_ columns: [String]) throws(StoreError) -> (id: Int32, isNew: Bool) {
        let found = try connection.row(.named("registry_find_space"), [.textArray(columns)]) {
            row throws(PostgresError) in
            try row.int4(0)
        }
        if let found { return (found, false) }
        return (try number(.named("registry_create_space"), [.textArray(columns)]), true)
    }

    /// Makes a feature.
    ///
    /// - Throws: `.database`; a unique violation where the key exists.
    /// - Complexity: one round trip.
    public func createFeature(_ key: FeatureKey, project: Int32, space: Int32) throws(StoreError) -> FeatureID {
        try number(.named("registry_create_feature"), [.text(key.description), .int4(project), .int4(space)])
    }

    /// Moves a feature that has no records to another id space; its work is forgotten, and claims on it end.
    ///
    /// - Throws: `.database`.
    /// - Complexity: two round trips.
    public func moveFeature(_ feature: FeatureID, to space: Int32) throws(StoreError) {
        try connection.run(.named("registry_move_feature"), [.int4(feature), .int4(space)])
        try forgetWork(of: feature)
    }

    /// Gives a feature a number under which its units are stored.
    ///
    /// - Parameters:
    ///   - feature: a feature that has none.
    ///   - space: the id space of the units.
    /// - Returns: the number.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func createUnits(of feature: FeatureID, space: Int32) throws(StoreError) -> FeatureID {
        try number(.named("registry_create_units"), [.int4(feature), .int4(space)])
    }

    /// Moves the units of a feature that has none yet to another id space; its work is forgotten, and claims on it end.
    ///
    /// - Throws: `.database`.
    /// - Complexity: two round trips.
    public func moveUnits(of feature: FeatureID, to space: Int32) throws(StoreError) {
        if let units = try connection.row(
            .named("registry_move_units"), [.int4(feature), .int4(space)],
            { row throws(PostgresError) in
                try row.int4(0)
            })
        {
            try forgetWork(of: units)
        }
    }

    /// Takes away what is to be done about units that never were: their numbers mean others in another id space.
    private func forgetWork(of units: FeatureID) throws(StoreError) {
        try connection.run(.named("registry_forget_work"), [.int4(units)])
    }

    /// Gives slots to fields.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func createFields(_ feature: FeatureID, _ slots: [(slot: Slot, key: FieldKey)]) throws(StoreError) {
        guard !slots.isEmpty else { return }
        try connection.run(
            .named("registry_create_fields"),
            [
                .int4(feature), .int2Array(slots.map(\.slot)), .textArray(slots.map(\.key.description)),
            ])
    }

    /// Stores a definition, or finds the equal one that a push stored before.
    ///
    /// - Parameter definition: its `id` is not used.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func define(_ definition: StoredDefinition) throws(StoreError) -> DefinitionID {
        let parameters: [Parameter] = [
            .int4(definition.feature), .text(definition.featureVersion), .text(definition.definitionVersion),
            .text(definition.specVersion), .text(definition.codeVersion),
            .text(String(decoding: definition.spec, as: UTF8.self)),
            .text(definition.schema.map { String(decoding: $0, as: UTF8.self) }),
            .jsonb(StoredField.write(definition.fields)),
        ]
        let id = try connection.row(.named("registry_define"), parameters) { row throws(PostgresError) in
            try row.int8(0)
        }
        guard let id else { throw .corrupt("a definition was not stored") }
        return id
    }

    /// Makes definitions current; a nil one removes the feature from its project's graph.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func activate(_ definitions: [(feature: FeatureID, definition: DefinitionID?)]) throws(StoreError) {
        guard !definitions.isEmpty else { return }
        try connection.run(
            .named("registry_activate"),
            [
                .int4Array(definitions.map(\.feature)), .int8ArrayOptional(definitions.map(\.definition)),
            ])
    }

    /// Remembers a push and moves the registry's revision.
    ///
    /// - Parameter tags: a JSON object.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func recordPush(
        _ project: Int32, version: String, message: String?, tags: [UInt8], definitions: [DefinitionID]
    ) throws(StoreError) {
        try connection.run(
            .named("registry_record_push"),
            [.int4(project), .text(version), .text(message), .jsonb(tags), .int8Array(definitions)])
    }

    /// Moves the registry's revision: every process loads the graph again.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func touch() throws(StoreError) {
        try connection.run(.named("registry_touch"))
    }

    /// Whether a project version has been pushed before.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func wasPushed(_ project: Int32, version: String) throws(StoreError) -> Bool {
        try connection.row(.named("registry_was_pushed"), [.int4(project), .text(version)]) {
            row throws(PostgresError) in
            try row.bool(0)
        } ?? false
    }

    private func number(_ statement: Statement, _ parameters: [Parameter]) throws(StoreError) -> Int32 {
        let id = try connection.row(statement, parameters) { row throws(PostgresError) in try row.int4(0) }
        guard let id else { throw .corrupt("\(statement.name) returned no number") }
        return id
    }
}
