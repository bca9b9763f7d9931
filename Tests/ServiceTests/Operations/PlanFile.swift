// The checked-in plans of the statements that claims, completions and resolves run.

import Foundation
import Postgres
import Testing

/// Compares the generic plans of a session's prepared statements with the checked-in ones.
enum PlanFile {
    private static let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Plans/hot-statements.txt")

    /// A lost index or a scan of a whole table shows as a difference. `make golden` writes the file anew.
    static func check(_ world: World) async throws {
        let plans = try await plans(world)
        if ProcessInfo.processInfo.environment["METAXY_WRITE_PLANS"] != nil {
            try plans.write(to: url, atomically: true, encoding: .utf8)
        }
        let known = try String(contentsOf: url, encoding: .utf8)
        #expect(plans == known)
    }

    private static func plans(_ world: World) async throws -> String {
        try await world.pool.withConnection { (connection) throws(PostgresError) in
            // Small tables would be scanned whatever their indexes; where a scan shows now, there is no index to use.
            try connection.script("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
            var statements: [(name: String, sql: String, parameters: Int)] = []
            let sql = """
                SELECT name, statement, cardinality(parameter_types)::bigint FROM pg_prepared_statements
                WHERE statement !~ '^(BEGIN|COMMIT)' ORDER BY statement
                """
            for row in try connection.query(Statement("prepared", sql, prepare: false)) {
                statements.append((try row.text(0), try row.text(1), Int(try row.int8(2))))
            }
            var text = ""
            for statement in statements where statement.sql.contains("FROM") || statement.sql.contains("UPDATE") {
                let nulls = Array(repeating: "NULL", count: statement.parameters).joined(separator: ", ")
                let call = statement.parameters == 0 ? "\"\(statement.name)\"" : "\"\(statement.name)\"(\(nulls))"
                text += statement.sql + "\n"
                let explain = Statement("explain", "EXPLAIN (COSTS OFF) EXECUTE \(call)", prepare: false)
                for row in try connection.query(explain) { text += "    \(try row.text(0))\n" }
                text += "\n"
            }
            return text
        }
    }
}
