// Reading ahead what those who ask for newly marked units will need.

import Feature
import Postgres
import Store
import Synchronization

/// Reads ahead what clients that ask for newly marked units will need.
public struct ReadAhead: Sendable {
    let transactions: TransactionRunner
    let state: ServiceState

    /// Looks up the units that changes have just marked, while the changes are committed, so that whoever asks for them
    /// finds them in PostgreSQL's memory (docs/decisions/0020). Runs until the task is cancelled; once in a process.
    public func readAhead() async {
        for await units in state.context.marks.stream { _ = await readAhead(units) }
    }

    /// Looks units up, once for each time that somebody has asked for units: changes that nobody looks at cost nothing.
    ///
    /// - Returns: how many heads of them and of their inputs were met; nil where nothing was looked up: others are at work, who
    ///   come first, nobody has asked since the last time, or the database is away.
    /// - Complexity: two round trips a feature; an index lookup for each unit, more where it has several inputs, and a row for
    ///   each of the first blocks with candidates.
    func readAhead(_ units: [FeatureID: [RecordID]]) async -> Int? {
        let use = transactions.pool.statistics
        // The change itself has a connection until it is committed.
        guard let catalog = transactions.catalogs.known, use.inUse <= 1, use.inUse < use.size,
            state.isAsked.exchange(false, ordering: .relaxed)
        else { return nil }
        do throws(ServiceError) {
            return try await transactions.pool.withConnection { (connection) throws(ServiceError) in
                try stored { () throws(StoreError) in
                    var count = 0
                    for (feature, units) in units {
                        guard let plan = catalog[feature], let source = IdentityUnits(plan) else { continue }
                        count += try connection.ask(source.ahead(units))
                        // What the last changes left of their blocks is met here, and taken away.
                        _ = try WorkTable(connection, rank: catalog.rank)
                            .active(feature, from: 0, limit: TransactionLimits.resolveBlocksMax)
                    }
                    return count
                }
            }
        } catch {
            // Nobody waits for it: whoever asks for the units reads what has not been read.
            return nil
        }
    }

    /// Notes that somebody asks for units, and is likely to again after the next change.
    func noteAsked() {
        state.isAsked.store(true, ordering: .relaxed)
    }
}
