// A database that is emptied between runs instead of made anew.

import Feature
import Postgres
import Service
import TestSupport

/// A service and a way to take everything out of its database.
///
/// Tables of features and their prepared statements stay: making them takes longer than a run.
struct ModelRig {
    let world: World
    private let administrator: Pool

    /// Runs `body` with a service over a database that knows every feature of the generator.
    static func with<T>(_ body: (ModelRig) async throws -> T) async throws -> T {
        try await World.with(connections: 1) { world in
            let administrator = Pool(
                PoolConfiguration(connectionString: world.database.administratorConnectionString, size: 1))
            do {
                let rig = ModelRig(world: world, administrator: administrator)
                try await rig.createFeatures()
                let result = try await body(rig)
                await administrator.close()
                return result
            } catch {
                await administrator.close()
                throw error
            }
        }
    }

    /// All features in one order, so that their numbers are the same in every process.
    private func createFeatures() async throws {
        for (project, keys) in GraphGenerator.keys.sorted(by: { $0.key < $1.key }) {
            try await world.push(
                keys.map { #"{"key":"\#($0)","id_columns":["id"],"fields":[{"key":"a"}]}"# }, project: project)
        }
    }

    /// Takes everything out but the features' names, numbers and tables.
    ///
    /// - Parameter firstRecord: the record id that each id space gives first.
    func reset(firstRecord: Int) async throws {
        try await run(
            """
            SET session_replication_role = replica;
            DELETE FROM claim_batch; DELETE FROM claim; DELETE FROM failure; DELETE FROM work;
            DELETE FROM ready_block WHERE feature_id > 0; DELETE FROM presence; DELETE FROM presence_count; DELETE FROM lineage_horizon;
            DELETE FROM link; DELETE FROM head; DELETE FROM lineage; DELETE FROM operation; DELETE FROM record; DELETE FROM push;
            UPDATE feature SET current_definition = NULL;
            DELETE FROM definition; DELETE FROM field;
            UPDATE registry SET revision = revision + 1;
            SELECT setval('record_' || id || '_sequence', \(firstRecord), false) FROM id_space;
            """)
    }

    /// Lets the lease of a claim run out.
    func endLease(of claim: Int64) async throws {
        try await run("UPDATE claim SET lease_until = now() - interval '1 second' WHERE id = \(claim)")
    }

    /// Lets the delay of every failed unit pass.
    func endDelays() async throws {
        try await run("UPDATE failure SET retry_at = now() - interval '1 second' WHERE retry_at IS NOT NULL")
    }

    private func run(_ sql: String) async throws {
        try await administrator.withConnection { (connection) throws(PostgresError) in try connection.script(sql) }
    }
}
