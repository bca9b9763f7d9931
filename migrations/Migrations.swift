// The migrations as they are embedded in the program.

/// A migration: a numbered SQL file of this folder.
public struct MigrationFile: Sendable {
    /// Its number: 1 for the first, without gaps.
    public let number: Int
    /// Its file name without the ending.
    public let name: String
    /// Its SQL.
    public let sql: [UInt8]

    /// All of them, in the order in which they are applied. The generated names lack the first digit.
    public static let all: [MigrationFile] = [
        MigrationFile(number: 1, name: "0001_create_registry", sql: PackageResources._001_create_registry_sql),
        MigrationFile(number: 2, name: "0002_create_records", sql: PackageResources._002_create_records_sql),
        MigrationFile(number: 3, name: "0003_create_work", sql: PackageResources._003_create_work_sql),
        MigrationFile(number: 4, name: "0004_create_links", sql: PackageResources._004_create_links_sql),
        MigrationFile(
            number: 5, name: "0005_create_unit_storage", sql: PackageResources._005_create_unit_storage_sql),
        MigrationFile(number: 6, name: "0006_add_fingerprints", sql: PackageResources._006_add_fingerprints_sql),
        MigrationFile(number: 7, name: "0007_create_erasure", sql: PackageResources._007_create_erasure_sql),
        MigrationFile(number: 8, name: "0008_create_answers", sql: PackageResources._008_create_answers_sql),
        MigrationFile(number: 9, name: "0009_create_access", sql: PackageResources._009_create_access_sql),
        MigrationFile(number: 10, name: "0010_slim_claim_batch", sql: PackageResources._010_slim_claim_batch_sql),
        MigrationFile(number: 11, name: "0011_create_change_log", sql: PackageResources._011_create_change_log_sql),
        MigrationFile(number: 12, name: "0012_add_expiries", sql: PackageResources._012_add_expiries_sql),
        MigrationFile(number: 13, name: "0013_create_dispatch", sql: PackageResources._013_create_dispatch_sql),
        MigrationFile(number: 14, name: "0014_add_failed_units", sql: PackageResources._014_add_failed_units_sql),
        MigrationFile(number: 15, name: "0015_add_claim_order", sql: PackageResources._015_add_claim_order_sql),
        MigrationFile(number: 16, name: "0016_bound_change_log", sql: PackageResources._016_bound_change_log_sql),
        MigrationFile(number: 17, name: "0017_create_retention", sql: PackageResources._017_create_retention_sql),
        MigrationFile(
            number: 18, name: "0018_separate_ready_blocks", sql: PackageResources._018_separate_ready_blocks_sql),
        MigrationFile(number: 19, name: "0019_add_head_keys", sql: PackageResources._019_add_head_keys_sql),
        MigrationFile(number: 20, name: "0020_add_entry_places", sql: PackageResources._020_add_entry_places_sql),
        MigrationFile(
            number: 21, name: "0021_skip_batch_statistics", sql: PackageResources._021_skip_batch_statistics_sql),
        MigrationFile(number: 22, name: "0022_fill_ready_blocks", sql: PackageResources._022_fill_ready_blocks_sql),
        MigrationFile(
            number: 23, name: "0023_bind_functions_to_schema", sql: PackageResources._023_bind_functions_to_schema_sql),
        MigrationFile(number: 24, name: "0024_drop_entry_places", sql: PackageResources._024_drop_entry_places_sql),
    ]
}
