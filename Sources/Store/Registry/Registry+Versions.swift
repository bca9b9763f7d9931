// Single pushes of a project.

import Feature
import Postgres

extension Registry {
    /// The newest push that made a version of a project current.
    ///
    /// - Returns: nil where the project has never been at that version.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(pushes of the project).
    public func push(_ project: Int32, version: String) throws(StoreError) -> StoredPush? {
        try connection.row(.named("registry_push_of_version"), [.int4(project), .text(version)]) {
            row throws(PostgresError) in
            StoredPush(
                id: try row.int8(0), projectVersion: try row.text(1), pushedAt: try row.timestamp(2),
                message: try row.textOrNil(3), tags: try row.jsonb(4), definitions: try row.int8Array(5))
        }
    }
}
