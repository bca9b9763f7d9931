// Failures of units: attempts, errors, and when a unit may be tried again.

public import Feature
import JSON
public import Postgres

/// A unit that failed, with the provenance on which it did.
public struct Failure: Hashable, Sendable {
    /// The unit.
    public let record: RecordID
    /// The number of failures on this provenance.
    public let attempts: Int32
    /// When it may be tried again, microseconds since 1970; nil where it is quarantined.
    public let retryAt: Int64?
    /// Whether that time has come.
    public let isDue: Bool
    /// The worker's message.
    public let error: String
    /// The worker's name.
    public let worker: String
    /// When it failed first and last on this provenance: microseconds since 1970.
    public let firstAt: Int64, lastAt: Int64
    /// The expected provenance on which it failed, by field in the order of the definition.
    public let provenance: [String]
    /// How often the lease on a batch with it ran out on this provenance.
    public let expiries: Int32
    /// How many units a batch with it may have; nil for any number.
    public let batchMax: Int32?
}

/// A note on a unit that was not completed.
public struct FailureNote: Hashable, Sendable {
    /// How often it has failed now; 0 where it only was in batches whose lease ran out.
    public let attempts: Int32
    /// Seconds until the next try; nil quarantines a unit that has failed.
    public let delay: Double?
    /// How often the lease on a batch with it has run out now.
    public let expiries: Int32
    /// How many units the next batch with it may have, 1 or more; nil for any number.
    public let batchMax: Int32?

    /// A note with these values.
    public init(attempts: Int32, delay: Double?, expiries: Int32, batchMax: Int32?) {
        self.attempts = attempts
        self.delay = delay
        self.expiries = expiries
        self.batchMax = batchMax
    }
}

/// Reads and writes failures.
public struct FailureTable {
    private let connection: Connection
    private let feature: FeatureID

    /// The failures of `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// The failures of these units.
    ///
    /// - Returns: by record id; a unit that has not failed is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func read(_ records: [RecordID]) throws(StoreError) -> [RecordID: Failure] {
        try connection.ask(Self.of(records, feature: feature))
    }

    /// The failures of these units, by record id; a unit that has not failed is absent.
    public static func of(_ records: [RecordID], feature: FeatureID) -> Question<[RecordID: Failure]> {
        Question<[Failure]>.rows(.named("failure_read"), [.int4(feature), .int8Array(records)], decode)
            .map { failures in Dictionary(failures.map { ($0.record, $0) }) { first, _ in first } }
    }

    /// Notes failures: a unit's attempts count on while its provenance is the same.
    ///
    /// - Parameter notes: one for each unit.
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own.
    public func write(
        _ units: [ClaimedUnit], _ notes: [FailureNote], definition: DefinitionID, worker: String, error: String
    ) throws(StoreError) {
        let provenance = units.map { unit -> [UInt8] in
            var writer = JSONWriter()
            writer.value(.array(unit.provenance.map(JSONValue.string)))
            return writer.bytes
        }
        try connection.runLater(
            .named("failure_write"),
            [
                .int4(feature), .int8(definition), .text(worker), .text(error), .int8Array(units.map(\.record)),
                .int4Array(notes.map(\.attempts)), .jsonbArray(provenance),
                .doubleArray(notes.map { $0.delay ?? -1 }), .int4Array(notes.map(\.expiries)),
                .int4Array(notes.map { $0.batchMax ?? 0 }),
            ])
    }

    /// Forgets the failures of units that succeeded or that are to be tried anew. A unit that is parked for its failure becomes a
    /// candidate: no unit stays parked without a reason.
    ///
    /// - Parameters:
    ///   - records: the units.
    ///   - ledger: holds their blocks.
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own.
    public func clear(_ records: [RecordID], _ ledger: inout WorkLedger) throws(StoreError) {
        try connection.runLater(.named("failure_clear"), [.int4(feature), .int8Array(records)])
        ledger.update(records, of: feature) { $0.unpark($1) }
    }

    /// Parked units whose time to be tried again has come.
    ///
    /// - Complexity: O(limit) by `failure_retry_index`.
    public static func due(_ feature: FeatureID, limit: Int) -> Question<[RecordID]> {
        .rows(.named("failure_due"), [.int4(feature), .int8(Int64(limit))]) { row throws(PostgresError) in
            try row.int8(0)
        }
    }

    /// Failures in the order of record ids, without units that only were in batches whose lease ran out.
    ///
    /// - Parameter after: the last record of the page before, -1 for the first page.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit).
    public func page(after: RecordID, limit: Int) throws(StoreError) -> [Failure] {
        try connection.rows(
            .named("failure_page"), [.int4(feature), .int8(after), .int8(Int64(limit))], Self.decode)
    }

    private static func decode(_ row: Row) throws(PostgresError) -> Failure {
        Failure(
            record: try row.int8(0), attempts: try row.int4(1), retryAt: try row.timestampOrNil(2),
            isDue: try row.boolOrNil(8) ?? false, error: try row.text(3), worker: try row.text(4),
            firstAt: try row.timestamp(5), lastAt: try row.timestamp(6),
            provenance: try row.textArray(7).map { $0 ?? "" }, expiries: try row.int4(9),
            batchMax: try row.int4OrNil(10))
    }
}
