// Appends what the source of a root says, in one part or in many.

import Feature
import Postgres
public import Store

extension Metaxy {
    /// Appends versions of a root's records as they come in: all rows or none.
    ///
    /// One part is a short transaction that shares the root with other writers. More of them are one long transaction
    /// that is alone on it; it locks no work before its end, so claims and writes elsewhere go on. While it writes a part,
    /// another connection finds what differs in the next.
    ///
    /// - Parameter next: gives the next part, nil at the end; what it throws ends the write.
    /// - Throws: `.featureNotFound`; `.invalid` naming rows of the same record; `.conflict` where the feature was
    ///   redefined since `shape`; `.tooSlow` where a part of a long body does not come in time; `.unavailable`; what
    ///   `next` throws.
    /// - Complexity: about six round trips a part; the memory of three parts and 20 bytes a row.
    public func write(
        to shape: RowShape, writer: Writer, parts next: () async throws(ServiceError) -> RecordPart?
    ) async throws(ServiceError) -> WriteOutcome {
        var seen = SeenKeys(random: random)
        guard let first = try await next() else {
            return WriteOutcome(featureVersion: shape.featureVersion, new: 0, changed: 0, unchanged: 0)
        }
        let start = try await take(first, &seen, isAlone: false)
        guard let second = try await next() else {
            return try await change { (scope) throws(ServiceError) in
                var writing = try RootWriting(shape, writer, isAlone: false, &scope)
                try writing.write(start, &scope)
                return try writing.finish(&scope)
            }
        }
        return try await streams.pass { () async throws(ServiceError) in
            let feed = Feed<RootRows>(capacity: 1)
            async let outcome = write(feed, shape, writer)
            do throws(ServiceError) {
                var part: RecordPart? = second
                // The transaction takes its first part once it is alone on the root.
                var isTaken = await feed.send(start)
                while isTaken, let taken = part {
                    isTaken = await feed.send(try await take(taken, &seen, isAlone: true))
                    part = try await next()
                }
                feed.finish()
            } catch {
                // The transaction ends because its rows do.
                feed.close()
                throw error
            }
            return try await outcome.get()
        }
    }

    /// The transaction of a long write, which cannot be run twice.
    private func write(
        _ feed: Feed<RootRows>, _ shape: RowShape, _ writer: Writer
    ) async -> Result<WriteOutcome, ServiceError> {
        defer { feed.close() }
        do throws(ServiceError) {
            return .success(
                try await change(retries: 0) { (scope) throws(ServiceError) in
                    var writing = try RootWriting(shape, writer, isAlone: true, &scope)
                    while let rows = try Self.next(feed) { try writing.write(rows, &scope) }
                    return try writing.finish(&scope)
                })
        } catch {
            return .failure(error)
        }
    }

    private static func next(_ feed: Feed<RootRows>) throws(ServiceError) -> RootRows? {
        do { return try feed.next(patience: Limits.partPatience) } catch {
            switch error {
            case .abandoned: throw .cancelled
            case .late: throw .tooSlow
            }
        }
    }

    /// Checks the keys of a part and gives them record ids, in a transaction of its own: ids that are never used cost
    /// nothing, and no lock on a key is held while the body comes in.
    ///
    /// - Parameter isAlone: whether this write is alone on the root already. Nobody else changes a head then, and no part
    ///   names a record of another, so what is committed is what the part will be held against.
    private func take(
        _ part: RecordPart, _ seen: inout SeenKeys, isAlone: Bool
    ) async throws(ServiceError) -> RootRows {
        let faults = seen.faults(in: part)
        guard faults.isEmpty else { throw .invalid(faults) }
        return try await pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in
                let records = try RecordIDs(connection, space: part.shape.space).intern(part.keys)
                let heads = Heads(connection, feature: part.shape.feature)
                return RootRows(
                    part: part, records: records,
                    differing: isAlone ? try heads.differing(records, fingerprints: part.fingerprints) : nil)
            }
        }
    }
}
