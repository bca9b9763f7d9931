// The partitions that each feature and each id space has of its own.

public import Feature
public import Postgres

/// Creates the tables of a feature and of an id space.
///
/// A new partition is made as a table of its own and then attached: that takes only a SHARE UPDATE EXCLUSIVE lock on
/// the parent, while CREATE TABLE … PARTITION OF would stop every writer. Names are built from integers alone.
public struct FeatureStorage {
    private let connection: Connection

    /// Storage seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Creates the record table of an id space.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func createSpace(_ space: Int32) throws(StoreError) {
        try script(
            """
            CREATE SEQUENCE record_\(space)_sequence AS bigint MINVALUE 0 START 0 CACHE 1;
            CREATE TABLE record_\(space) (
                LIKE record INCLUDING DEFAULTS,
                PRIMARY KEY (rid), UNIQUE (key), CHECK (space_id = \(space))
            );
            ALTER TABLE record ATTACH PARTITION record_\(space) FOR VALUES IN (\(space));
            """)
    }

    /// Creates the lineage and the heads of a feature.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func createFeature(_ feature: FeatureID) throws(StoreError) {
        try script(
            """
            CREATE TABLE lineage_\(feature) (LIKE lineage INCLUDING ALL, CHECK (feature_id = \(feature)))
                PARTITION BY RANGE (entry);
            \(LineageParts.creation(feature, part: 0));
            ALTER TABLE lineage_\(feature)_0 ADD PRIMARY KEY (rid, entry);
            ALTER TABLE lineage_\(feature) ATTACH PARTITION lineage_\(feature)_0 FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
            ALTER TABLE lineage ATTACH PARTITION lineage_\(feature) FOR VALUES IN (\(feature));
            REVOKE UPDATE, DELETE, TRUNCATE ON lineage_\(feature), lineage_\(feature)_0 FROM CURRENT_USER;
            INSERT INTO lineage_part (feature_id, part) VALUES (\(feature), 0);
            CREATE TABLE head_\(feature) (
                LIKE head INCLUDING ALL, PRIMARY KEY (rid), CHECK (feature_id = \(feature))
            ) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
            ALTER TABLE head ATTACH PARTITION head_\(feature) FOR VALUES IN (\(feature));
            """)
    }

    private func script(_ sql: String) throws(StoreError) {
        do { try connection.script(sql) } catch { throw StoreError(error) }
    }
}
