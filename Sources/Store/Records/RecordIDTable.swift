// Record ids of an id space: finds them by key and gives them to new keys.

public import Feature
import JSON
public import Postgres

/// Translates between the keys of an id space and its dense record ids.
public struct RecordIDTable {
    private let connection: Connection
    private let space: Int32

    /// The record ids of id space `space`.
    public init(_ connection: Connection, space: Int32) {
        self.connection = connection
        self.space = space
    }

    /// The record ids of `keys`.
    ///
    /// - Parameter keys: encoded keys, any order, distinct or not.
    /// - Returns: one for each key, nil where the key has never been seen.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each key.
    public func find(_ keys: [[UInt8]]) throws(StoreError) -> [RecordID?] {
        try find(.bytesArray(keys), count: keys.count)
    }

    private func find(_ keys: Parameter, count: Int) throws(StoreError) -> [RecordID?] {
        var found = [RecordID?](repeating: nil, count: count)
        let statement = Statement.named("record_find", space: space)
        do {
            let rows = try connection.read(statement, [keys])
            for row in rows {
                found[try Int(row.int8(0)) - 1] = try row.int8(1)
            }
        } catch {
            throw StoreError(error)
        }
        return found
    }

    /// The record ids of `keys`; a key never seen before is given one.
    ///
    /// Keys are inserted in their own order, so that two transactions inserting the same keys cannot deadlock.
    ///
    /// - Parameter keys: distinct, at most `RecordKey.encodedBytesMax` bytes each when encoded.
    /// - Returns: one for each key, in the order of `keys`.
    /// - Throws: `.database`.
    /// - Complexity: one round trip when all keys are known, two when the others are new to everybody, else three.
    public func intern(_ keys: [RecordKey]) throws(StoreError) -> [RecordID] {
        var column = ByteColumn()
        for key in keys { column.append(writing: key.encode) }
        return try intern(column)
    }

    /// Like `intern`, with encoded keys.
    public func intern(_ keys: ByteColumn) throws(StoreError) -> [RecordID] {
        var found = try find(.bytesColumn(keys), count: keys.count)
        let missing = found.indices.filter { found[$0] == nil }.sorted { left, right in
            (keys[left] ?? []).lexicographicallyPrecedes(keys[right] ?? [])
        }
        if !missing.isEmpty {
            let new = keys.picking(missing)
            let ids = try insert(new)
            for (index, id) in zip(missing, ids) { found[index] = id }
        }
        var result: [RecordID] = []
        result.reserveCapacity(keys.count)
        for id in found {
            guard let id else { throw .corrupt("a record id vanished while it was given") }
            result.append(id)
        }
        return result
    }

    /// The keys of `records`.
    ///
    /// - Returns: by record id; an id that was never given is absent.
    /// - Throws: `.database`, `.corrupt` where a stored key cannot be read.
    /// - Complexity: one round trip; an index lookup for each id.
    public func keys(of records: [RecordID]) throws(StoreError) -> [RecordID: RecordKey] {
        let statement = Statement.named("record_keys", space: space)
        var keys: [RecordID: RecordKey] = [:]
        keys.reserveCapacity(records.count)
        do {
            let rows = try connection.read(statement, [.int8Array(records)])
            for row in rows {
                let record = try row.int8(0)
                keys[record] = RecordKey(encoded: try row.bytes(1))
            }
        } catch {
            throw StoreError(error)
        }
        guard keys.count == Set(records).count else { throw .corrupt("id space \(space) lacks a record or its key") }
        return keys
    }

    /// The encoded keys of `records`, in their order.
    ///
    /// - Throws: `.database`; `.corrupt` where an id was never given.
    /// - Complexity: one round trip; an index lookup for each id.
    public func encodedKeys(of records: [RecordID]) throws(StoreError) -> ByteColumn {
        let statement = Statement.named("record_keys_in_order", space: space)
        var keys = ByteColumn()
        do {
            let rows = try connection.read(statement, [.int8Array(records)])
            for row in rows.indices {
                keys.append { output in _ = rows.append(row, 0, to: &output) }
            }
        } catch {
            throw StoreError(error)
        }
        guard keys.count == records.count else { throw .corrupt("id space \(space) lacks a record") }
        return keys
    }

    /// The record ids of a range, ascending.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(records of the range).
    public func all(in range: Range<RecordID>) throws(StoreError) -> [RecordID] {
        let statement = Statement.named("record_range", space: space)
        return try connection.rows(statement, [.int8(range.lowerBound), .int8(range.upperBound)]) {
            row throws(PostgresError) in try row.int8(0)
        }
    }

    /// The largest record id, -1 where there is none.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(1).
    public func last() throws(StoreError) -> RecordID {
        let statement = Statement.named("record_last", space: space)
        return try connection.row(statement) { row throws(PostgresError) in try row.int8(0) } ?? -1
    }

    /// Inserts keys that were not found.
    ///
    /// - Returns: their ids, in the order of `keys`.
    private func insert(_ keys: ByteColumn) throws(StoreError) -> [RecordID?] {
        let statement = Statement.named("record_insert", space: space)
        var ids = ByteColumn()
        for index in 0..<keys.count {
            guard let key = keys[index].flatMap({ RecordKey(encoded: Array($0)) }) else {
                throw .corrupt("a key cannot be read that was just written")
            }
            var writer = JSONWriter()
            writer.value(.array(key.values.map(\.json)))
            ids.append(writer.bytes)
        }
        let given = try connection.rows(statement, [.bytesColumn(keys), .jsonbColumn(ids)]) {
            row throws(PostgresError) in try row.int8(0)
        }
        // Rows come in the order of the arrays. Keys that another transaction has just inserted are missing.
        return given.count == keys.count ? given : try find(.bytesColumn(keys), count: keys.count)
    }
}
