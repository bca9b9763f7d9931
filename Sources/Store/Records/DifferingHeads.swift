// Heads that differ from some rows, read in place.

public import Feature
import Postgres

/// Rows whose record has no live head with their fingerprint, each with the head that it has; ascending by position.
///
/// Nothing is copied before a value is asked for. Each accessor that throws does so with `.database`, where a row is not
/// what the statement asks for.
public struct DifferingHeads: Sendable {
    private let rows: Rows
    /// The positions of the rows among those that were asked for.
    public let positions: [Int]
    /// For each of them its row of the result.
    private let order: [Int]

    private enum Column {
        static let ordinal = 0, definition = 1, state = 2, provenance = 3, dataVersion = 4
    }

    /// What `columns` lists.
    init(_ rows: Rows) throws(PostgresError) {
        var positions: [Int] = []
        positions.reserveCapacity(rows.count)
        for row in rows.indices {
            guard let ordinal = try rows.int8(row, Column.ordinal) else {
                throw PostgresError(.decode, "a row has no ordinal")
            }
            positions.append(Int(ordinal) - 1)
        }
        self.rows = rows
        let isAscending = zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 }
        order = isAscending ? Array(positions.indices) : positions.indices.sorted { positions[$0] < positions[$1] }
        self.positions = isAscending ? positions : order.map { positions[$0] }
    }

    /// The list of a SELECT.
    static let columns = "u.ordinal, h.definition_id, h.state, h.provenance, h.data_version"

    /// How many there are.
    public var count: Int { positions.count }

    /// The definition under which a head was written; nil where there is no head.
    public func definition(_ index: Int) throws(StoreError) -> DefinitionID? {
        do { return try rows.int8(order[index], Column.definition) } catch { throw StoreError(error) }
    }

    /// Whether there is a head that is no tombstone.
    public func isLive(_ index: Int) throws(StoreError) -> Bool {
        do { return try rows.int2(order[index], Column.state) == 0 } catch { throw StoreError(error) }
    }

    /// Compares the versions of a row with those of a head, slot by slot.
    ///
    /// - Parameters:
    ///   - isDataVersion: true to compare data versions, false to compare provenance.
    ///   - slots: how many there are.
    ///   - versions: the row's version of a slot, counted from 0: a buffer and a range of it; nil for none.
    ///   - places: scratch.
    ///   - body: called with each slot that differs, counted from 0, ascending.
    public func differences(
        _ index: Int, isDataVersion: Bool, slots: Int, places: inout [Range<Int>?],
        _ versions: (Int) -> (bytes: [UInt8], range: Range<Int>)?, _ body: (Int) -> Void
    ) throws(StoreError) {
        let row = order[index]
        let column = isDataVersion && !rows.isNull(row, Column.dataVersion) ? Column.dataVersion : Column.provenance
        do { try rows.texts(row, column, into: &places) } catch { throw StoreError(error) }
        for slot in 0..<slots {
            let version = versions(slot)
            let place = slot < places.count ? places[slot] : nil
            if !rows.equals(row, column, at: place, version?.bytes ?? [], in: version?.range) { body(slot) }
        }
    }
}
