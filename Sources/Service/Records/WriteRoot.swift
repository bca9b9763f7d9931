// Writes rows to a root, in one part or in many.

import Feature
import Postgres
public import Store

extension RootService {
    /// Appends versions of a root's records as they come in: all rows or none.
    ///
    /// Up to `TransactionLimits.shortWriteRowsMax` rows are a short transaction that shares the root with other writers, and that a
    /// few rows share with others that come at the same time. More are one long transaction that is alone on the root; it
    /// locks no work before its end, so claims and writes elsewhere go on. While it writes a part, another connection finds
    /// what differs in the next, and the one after that is read.
    ///
    /// - Parameter next: gives the next part, nil at the end; what it throws ends the write.
    /// - Throws: `.featureNotFound`; `.invalid` naming rows of the same record; `.conflict` where the feature was
    ///   redefined since `shape`; `.tooSlow` where a part of a long body does not come in time; `.unavailable`; what
    ///   `next` throws.
    /// - Complexity: about five round trips, and as many for each part of a long write; the memory of a short write or of
    ///   four parts, and 20 bytes a row.
    public func write(
        to shape: RowShape, writer: Writer, parts next: () async throws(ServiceError) -> RecordPart?
    ) async throws(ServiceError) -> WriteOutcome {
        try await write(to: shape, writer: writer, shortRows: TransactionLimits.shortWriteRowsMax, parts: next)
    }

    /// As above.
    ///
    /// - Parameter shortRows: up to how many rows a write of several parts is a short one.
    func write(
        to shape: RowShape, writer: Writer, shortRows: Int, parts next: () async throws(ServiceError) -> RecordPart?
    ) async throws(ServiceError) -> WriteOutcome {
        var seen = SeenKeys(random: random)
        var first: [RecordPart] = []
        var isShort = true
        while isShort, let part = try await next() {
            try Self.check(part, &seen)
            first.append(part)
            isShort =
                first.reduce(0) { $0 + $1.count } <= shortRows
                && first.reduce(0) { $0 + $1.byteCount } <= TransactionLimits.shortWriteBytesMax
        }
        // One part that is too large for a short write may be a document, which is one part whatever its size.
        if !isShort, first.count == 1, let second = try await next() {
            try Self.check(second, &seen)
            first.append(second)
        }
        guard first.count > 1, !isShort else { return try await write(short: first, shape, writer) }
        return try await write(long: first, shape, writer) { () async throws(ServiceError) in
            guard let part = try await next() else { return nil }
            try Self.check(part, &seen)
            return part
        }
    }

    /// A write whose rows have all come in.
    private func write(
        short parts: [RecordPart], _ shape: RowShape, _ writer: Writer
    ) async throws(ServiceError) -> WriteOutcome {
        guard var part = parts.first else {
            return WriteOutcome(featureVersion: shape.featureVersion, new: 0, changed: 0, unchanged: 0)
        }
        for other in parts.dropFirst() { part.append(contentsOf: other) }
        return try await write(RootWrite(part: part, writer: writer))
    }

    /// A write whose rows come in while it is carried out.
    ///
    /// - Parameter first: the parts that have come already.
    private func write(
        long first: [RecordPart], _ shape: RowShape, _ writer: Writer,
        rest next: () async throws(ServiceError) -> RecordPart?
    ) async throws(ServiceError) -> WriteOutcome {
        let start = try await identify(first[0])
        return try await streams.pass { () async throws(ServiceError) in
            let feed = Feed<RootRows>(capacity: 1)
            async let outcome = write(feed, shape, writer)
            do throws(ServiceError) {
                var waiting = first.dropFirst()
                // The transaction takes its first part once it is alone on the root.
                var isTaken = await feed.send(start)
                var part = waiting.popFirst()
                while isTaken, let current = part {
                    // While one part is looked up the next is read.
                    async let compared = compare(current)
                    part = waiting.popFirst()
                    if part == nil { part = try await next() }
                    isTaken = await feed.send(try await compared.get())
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
                try await transactions.change(retries: 0) { (transaction) throws(ServiceError) in
                    var writing = try RootWriting(shape, [writer], isAlone: true, &transaction)
                    while let rows = try Self.next(feed) { try writing.write(rows, &transaction) }
                    return try writing.finish(&transaction)[0]
                })
        } catch {
            return .failure(error)
        }
    }

    private static func next(_ feed: Feed<RootRows>) throws(ServiceError) -> RootRows? {
        do { return try feed.next(patience: TransactionLimits.partPatience) } catch {
            switch error {
            case .abandoned: throw .cancelled
            case .late: throw .tooSlow
            }
        }
    }

    private static func check(_ part: RecordPart, _ seen: inout SeenKeys) throws(ServiceError) {
        let faults = seen.faults(in: part)
        guard faults.isEmpty else { throw .invalid(faults) }
    }

    /// Gives the records of a part their ids, in a transaction of its own: ids that are never used cost nothing, and no
    /// lock on a key is held while the body comes in.
    func identify(_ part: RecordPart) async throws(ServiceError) -> RootRows {
        try await transactions.pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in
                RootRows(part: part, records: try RecordIDTable(connection, space: part.shape.space).intern(part.keys))
            }
        }
    }

    /// As `identify`, and finds what differs from what is stored and what is to be written of it, for a write that is alone
    /// on the root. Nobody else changes a head then, and no part names a record of another, so the part is compared
    /// with what is committed. It also draws numbers for entries: the write has its lineage locked since before it
    /// took its first part.
    private func compare(_ part: RecordPart) async -> Result<RootRows, ServiceError> {
        do throws(ServiceError) {
            return .success(
                try await transactions.pool.withConnection { (connection) throws(ServiceError) in
                    try stored { () throws(StoreError) in
                        let records = try RecordIDTable(connection, space: part.shape.space).intern(part.keys)
                        let feature = part.shape.feature
                        let differing = try connection.ask(
                            HeadTable(connection, feature: feature).differing(records, fingerprints: part.fingerprints))
                        let numbers = LineageAppend.numbers(differing.count, isAhead: true)
                        let found = try RootComparison(differing, part)
                        var rows = RootRows(
                            part: part, records: records, found: found,
                            entries: differing.count < LineageAppend.copiedMin ? [] : try connection.ask(numbers))
                        if found.live(areSame: true).isEmpty {
                            rows.change = RootChange(rows, found, compared: [:])
                        }
                        return rows
                    }
                })
        } catch {
            return .failure(error)
        }
    }
}
