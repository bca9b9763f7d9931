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
        return try number(Self.createProjectStatement, parameters)
    }

    /// Changes a project's hash settings.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func changeProject(_ id: Int32, hash: RecordHash) throws(StoreError) {
        try connection.run(
            Self.changeProjectStatement,
            [.int4(id), .text(hash.algorithm.rawValue), .int4(Int32(hash.truncation))])
    }

    /// Changes how many active claims a project may have at a time.
    ///
    /// - Parameter most: nil for any number.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func changeProject(_ id: Int32, claimsMax most: Int32?) throws(StoreError) {
        try connection.run(Self.capProjectStatement, [.int4(id), .int4(most)])
    }

    /// The id space of these columns, made when there is none.
    ///
    /// - Returns: the space, and whether it was made now.
    /// - Throws: `.database`.
    /// - Complexity: one round trip, two when it is made.
    public func space(_ columns: [String]) throws(StoreError) -> (id: Int32, isNew: Bool) {
        let found = try connection.row(Self.findSpaceStatement, [.textArray(columns)]) { row throws(PostgresError) in
            try row.int4(0)
        }
        if let found { return (found, false) }
        return (try number(Self.createSpaceStatement, [.textArray(columns)]), true)
    }

    /// Makes a feature.
    ///
    /// - Throws: `.database`; a unique violation where the key exists.
    /// - Complexity: one round trip.
    public func createFeature(_ key: FeatureKey, project: Int32, space: Int32) throws(StoreError) -> FeatureID {
        try number(Self.createFeatureStatement, [.text(key.description), .int4(project), .int4(space)])
    }

    /// Moves a feature that has no records to another id space; its work is forgotten, and claims on it end.
    ///
    /// - Throws: `.database`.
    /// - Complexity: two round trips.
    public func moveFeature(_ feature: FeatureID, to space: Int32) throws(StoreError) {
        try connection.run(Self.moveFeatureStatement, [.int4(feature), .int4(space)])
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
        try number(Self.createUnitsStatement, [.int4(feature), .int4(space)])
    }

    /// Moves the units of a feature that has none yet to another id space; its work is forgotten, and claims on it end.
    ///
    /// - Throws: `.database`.
    /// - Complexity: two round trips.
    public func moveUnits(of feature: FeatureID, to space: Int32) throws(StoreError) {
        if let units = try connection.row(
            Self.moveUnitsStatement, [.int4(feature), .int4(space)],
            { row throws(PostgresError) in
                try row.int4(0)
            })
        {
            try forgetWork(of: units)
        }
    }

    /// Takes away what is to be done about units that never were: their numbers mean others in another id space.
    private func forgetWork(of units: FeatureID) throws(StoreError) {
        try connection.run(Self.forgetWorkStatement, [.int4(units)])
    }

    /// Gives slots to fields.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func createFields(_ feature: FeatureID, _ slots: [(slot: Slot, key: FieldKey)]) throws(StoreError) {
        guard !slots.isEmpty else { return }
        try connection.run(
            Self.createFieldsStatement,
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
        let id = try connection.row(Self.defineStatement, parameters) { row throws(PostgresError) in try row.int8(0) }
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
            Self.activateStatement,
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
            Self.recordPushStatement,
            [.int4(project), .text(version), .text(message), .jsonb(tags), .int8Array(definitions)])
    }

    /// Moves the registry's revision: every process loads the graph again.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func touch() throws(StoreError) {
        try connection.run(Self.touchStatement)
    }

    /// Whether a project version has been pushed before.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func wasPushed(_ project: Int32, version: String) throws(StoreError) -> Bool {
        try connection.row(Self.wasPushedStatement, [.int4(project), .text(version)]) { row throws(PostgresError) in
            try row.bool(0)
        } ?? false
    }

    private func number(_ statement: Statement, _ parameters: [Parameter]) throws(StoreError) -> Int32 {
        let id = try connection.row(statement, parameters) { row throws(PostgresError) in try row.int4(0) }
        guard let id else { throw .corrupt("\(statement.name) returned no number") }
        return id
    }
}

extension Registry {
    private static let createProjectStatement = Statement(
        "registry_create_project",
        "INSERT INTO project (name, hash_algorithm, hash_truncation_length) VALUES ($1, $2, $3) RETURNING id")

    private static let changeProjectStatement = Statement(
        "registry_change_project",
        "UPDATE project SET hash_algorithm = $2, hash_truncation_length = $3 WHERE id = $1")

    private static let capProjectStatement = Statement(
        "registry_cap_project", "UPDATE project SET max_claims = $2 WHERE id = $1")

    private static let findSpaceStatement = Statement(
        "registry_find_space", "SELECT id FROM id_space WHERE columns = $1")

    private static let createSpaceStatement = Statement(
        "registry_create_space", "INSERT INTO id_space (columns) VALUES ($1) RETURNING id")

    private static let createFeatureStatement = Statement(
        "registry_create_feature",
        "INSERT INTO feature (key, project_id, space_id) VALUES ($1, $2, $3) RETURNING id")

    private static let moveFeatureStatement = Statement(
        "registry_move_feature", "UPDATE feature SET space_id = $2 WHERE id = $1")

    private static let createUnitsStatement = Statement(
        "registry_create_units",
        """
        UPDATE feature SET unit_storage = nextval(pg_get_serial_sequence('feature', 'id')), unit_space_id = $2
        WHERE id = $1 RETURNING unit_storage
        """)

    private static let moveUnitsStatement = Statement(
        "registry_move_units", "UPDATE feature SET unit_space_id = $2 WHERE id = $1 RETURNING unit_storage")

    private static let forgetWorkStatement = Statement(
        "registry_forget_work",
        """
        WITH ended AS (
            UPDATE claim SET state = 2, finished_at = now() WHERE feature_id = $1 AND state = 0
        ), batches AS (
            DELETE FROM claim_batch b USING claim c WHERE c.id = b.claim_id AND c.feature_id = $1
        ), failures AS (
            DELETE FROM failure WHERE feature_id = $1
        ), ready AS (
            DELETE FROM ready_block WHERE feature_id = $1
        )
        DELETE FROM work WHERE feature_id = $1
        """)

    private static let createFieldsStatement = Statement(
        "registry_create_fields",
        "INSERT INTO field (feature_id, slot, key) SELECT $1, u.slot, u.key FROM unnest($2::smallint[], $3::text[]) AS u (slot, key)"
    )

    private static let defineStatement = Statement(
        "registry_define",
        """
        INSERT INTO definition AS d
            (feature_id, feature_version, definition_version, spec_version, code_version, spec, schema, fields)
        VALUES ($1, $2, $3, $4, $5, $6::text::json, $7::text::json, $8)
        ON CONFLICT (feature_id, feature_version, definition_version) DO UPDATE SET feature_id = d.feature_id
        RETURNING id
        """)

    private static let activateStatement = Statement(
        "registry_activate",
        """
        UPDATE feature f SET current_definition = u.definition
        FROM unnest($1::integer[], $2::bigint[]) AS u (feature, definition) WHERE f.id = u.feature
        """)

    private static let recordPushStatement = Statement(
        "registry_record_push",
        """
        WITH moved AS (UPDATE registry SET revision = revision + 1 RETURNING revision)
        INSERT INTO push (revision, project_id, project_version, message, tags, definitions)
        SELECT revision, $1, $2, $3, $4, $5 FROM moved
        """)

    private static let touchStatement = Statement("registry_touch", "UPDATE registry SET revision = revision + 1")

    private static let wasPushedStatement = Statement(
        "registry_was_pushed", "SELECT EXISTS (SELECT 1 FROM push WHERE project_id = $1 AND project_version = $2)")
}
