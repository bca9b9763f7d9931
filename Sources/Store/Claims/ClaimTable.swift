// Claims: leases on batches of units, and the units handed out with each.

public import Feature
public import Postgres

/// The state of a claim.
public enum ClaimState: Int16, Hashable, Sendable {
    /// A worker holds it.
    case active = 0
    /// Every unit was completed or failed by its worker.
    case finished = 1
    /// Its worker gave the rest back.
    case released = 2
    /// Its lease ran out, and the rest was taken back.
    case expired = 3
}

/// A claim as it is stored.
public struct StoredClaim: Hashable, Sendable {
    /// Its number.
    public let id: Int64
    /// Its fencing token.
    public let token: Int64
    /// The feature whose units it holds.
    public let feature: FeatureID
    /// The definition under which they were handed out.
    public let definition: DefinitionID
    /// The worker that holds it.
    public let worker: String
    /// The state.
    public let state: ClaimState
    /// When it was taken: microseconds since 1970.
    public let claimedAt: Int64
    /// Until when it is held: microseconds since 1970.
    public let leaseUntil: Int64
    /// For how long each heartbeat extends it.
    public let leaseSeconds: Int32
    /// How many units it was given.
    public let units: Int
    /// How many are neither completed nor failed nor given back.
    public let remaining: Int
    /// Which units are finished, by position in the batch.
    public let finished: BitString
    /// Of these, the units that its worker reported as failed; nil for none.
    public let failed: BitString?
}

/// Reads and writes claims.
public struct ClaimTable {
    private let connection: Connection

    /// The claims seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Stores a new claim and what is handed out with it.
    ///
    /// - Parameter units: one or more, ascending by record id.
    /// - Returns: the claim, with a fencing token greater than any before.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func create(
        feature: FeatureID, definition: DefinitionID, worker: String, leaseSeconds: Int32, units: ClaimUnits
    ) throws(StoreError) -> StoredClaim {
        let parameters: [Parameter] = [
            .int8(definition), .int4(feature), .int4(leaseSeconds), .int4(Int32(units.count)), .text(worker),
            .int8Array(units.records), .int8Array(units.bases), .int2Array(units.attempts),
            .textColumn(units.provenance), .int8Array(units.parents),
            units.areParentsOwn ? .null : .int8Array(units.parentRecords),
            units.areParentsSingle ? .null : .int4Array(units.parentCounts), .int4(Int32(units.fields)),
            .int4(Int32(units.deps)),
        ]
        let claim = try connection.row(.named("claim_create"), parameters, Self.decode)
        guard let claim else { throw .corrupt("a claim was not stored") }
        return claim
    }

    /// Locks a claim until the end of the transaction.
    ///
    /// - Returns: nil where there is no such claim.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func lock(_ id: Int64) throws(StoreError) -> StoredClaim? {
        try connection.row(.named("claim_lock"), [.int8(id)], Self.decode)
    }

    /// Reads a claim.
    ///
    /// - Returns: nil where there is no such claim.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func read(_ id: Int64) throws(StoreError) -> StoredClaim? {
        try connection.row(.named("claim_read"), [.int8(id)], Self.decode)
    }

    /// The units that were handed out with an active claim, in the order of the batch.
    ///
    /// - Throws: `.database`, `.corrupt` where an active claim has no batch.
    /// - Complexity: one round trip.
    public func batch(_ id: Int64) throws(StoreError) -> ClaimUnits {
        let units = try connection.row(.named("claim_batch_read"), [.int8(id)]) { row throws(PostgresError) in
            ClaimUnits(
                fields: Int(try row.int4(7)), deps: Int(try row.int4(8)), records: try row.int8Array(0),
                bases: try row.int8Array(1), attempts: try row.int2Array(2), provenance: try row.textColumn(3),
                parents: try row.int8Array(4), parentRecords: try row.int8ArrayOrNil(5),
                parentCounts: try row.int4ArrayOrNil(6))
        }
        guard let units else { throw .corrupt("claim \(id) has no batch") }
        return units
    }

    /// Extends a lease from now on.
    ///
    /// - Returns: until when, microseconds since 1970.
    /// - Throws: `.database`.
    /// - Complexity: one round trip, one row in place (HOT).
    public func extend(_ id: Int64, leaseSeconds: Int32) throws(StoreError) -> Int64 {
        let until = try connection.row(.named("claim_extend"), [.int8(id), .int4(leaseSeconds)]) {
            row throws(PostgresError) in try row.timestamp(0)
        }
        guard let until else { throw .corrupt("claim \(id) vanished") }
        return until
    }

    /// Notes which units are finished, and ends the claim when `state` says so.
    ///
    /// The batch is kept for a while, so that a repeated report gets the answer of the first one.
    ///
    /// - Parameters:
    ///   - failed: the units that failed, these and those before; nil where no more have.
    ///   - time: how many units were computed in how many seconds; nil where the worker does not say.
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own.
    public func update(
        _ id: Int64, finished: BitString, failed: BitString? = nil, state: ClaimState,
        time: (units: Int, seconds: Double)? = nil
    ) throws(StoreError) {
        try connection.runLater(
            .named("claim_update"),
            [
                .int8(id), .bit(finished), .int2(state.rawValue), .double(time?.seconds ?? 0),
                .int4(Int32(time?.units ?? 0)), failed.map { .bit($0) } ?? .null,
            ])
    }

    /// Locks the claims of a feature whose lease has run out, passing over those that somebody else is ending.
    ///
    /// - Parameter limit: how many at most.
    /// - Complexity: O(active claims of the feature).
    public static func lockExpired(_ feature: FeatureID, limit: Int) -> Question<[StoredClaim]> {
        .rows(.named("claim_lock_expired"), [.int4(feature), .int8(Int64(limit))], decode)
    }

    /// Deletes the batches of claims that ended some seconds ago.
    ///
    /// - Returns: how many.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(batches kept).
    @discardableResult
    public func forgetBatches(endedBefore seconds: Double) throws(StoreError) -> Int {
        try connection.run(.named("claim_batch_forget"), [.double(seconds)])
    }

    /// The features that have claims whose lease has run out.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(active claims).
    public func featuresWithExpired() throws(StoreError) -> [FeatureID] {
        try connection.rows(.named("claim_expired_features")) { row throws(PostgresError) in try row.int4(0) }
    }

    /// Claims in the order of their numbers.
    ///
    /// - Parameters:
    ///   - feature: nil for all.
    ///   - features: only claims of these; nil for all.
    ///   - worker: nil for all.
    ///   - after: the last claim of the page before, 0 for the first.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func active(
        feature: FeatureID?, among features: [FeatureID]?, worker: String?, after: Int64, limit: Int
    ) throws(StoreError) -> [StoredClaim] {
        try connection.rows(
            .named("claim_active"),
            [
                .int4(feature), .text(worker), .int8(after), .int8(Int64(limit)),
                features.map { .int4Array($0) } ?? .null,
            ], Self.decode)
    }

    private static func decode(_ row: Row) throws(PostgresError) -> StoredClaim {
        StoredClaim(
            id: try row.int8(0), token: try row.int8(1), feature: try row.int4(2), definition: try row.int8(3),
            worker: try row.text(4), state: ClaimState(rawValue: try row.int2(5)) ?? .expired,
            claimedAt: try row.timestamp(6), leaseUntil: try row.timestamp(7), leaseSeconds: try row.int4(8),
            units: Int(try row.int4(9)), remaining: Int(try row.int4(10)), finished: try row.bit(11),
            failed: try row.bitOrNil(12))
    }
}
