// The files of named SQL statements as they are embedded in the program.

/// A file of this folder.
public struct StatementFile: Sendable {
    /// Its text.
    public let text: [UInt8]

    /// All files.
    public static let all: [StatementFile] = [
        StatementFile(text: PackageResources.access_sql),
        StatementFile(text: PackageResources.archive_sql),
        StatementFile(text: PackageResources.changes_sql),
        StatementFile(text: PackageResources.checks_sql),
        StatementFile(text: PackageResources.claims_sql),
        StatementFile(text: PackageResources.database_sql),
        StatementFile(text: PackageResources.failures_sql),
        StatementFile(text: PackageResources.lineage_sql),
        StatementFile(text: PackageResources.records_sql),
        StatementFile(text: PackageResources.registry_sql),
        StatementFile(text: PackageResources.retention_sql),
        StatementFile(text: PackageResources.work_sql),
    ]
}
