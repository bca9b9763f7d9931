// Notes changes in the log of changes: their kinds, their writers and what they amounted to.

public import Feature
import Postgres

/// Who is behind a write.
public struct Writer: Hashable, Sendable {
    /// The worker's name, where a worker reports a result.
    public var worker: String?
    /// The orchestrator's run, as the client names it.
    public var materialization: String?
    /// The name of the API token.
    public var token: String?
    /// The `X-Request-Id` of the request.
    public var request: String?

    /// A writer of whom this much is known.
    public init(
        worker: String? = nil, materialization: String? = nil, token: String? = nil, request: String? = nil
    ) {
        self.worker = worker
        self.materialization = materialization
        self.token = token
        self.request = request
    }
}

/// What a change was. The words are part of the contract: they are never renamed.
public enum ChangeKind: String, Hashable, Sendable, CaseIterable {
    /// A project's graph was replaced.
    case pushed
    /// A project was made, or its settings were changed.
    case projectConfigured = "project_configured"
    /// How the work of a feature is handed out was changed.
    case dispatchConfigured = "dispatch_configured"
    /// Records were written.
    case recordsWritten = "records_written"
    /// Records were soft-deleted.
    case recordsDeleted = "records_deleted"
    /// Soft deletes were lifted.
    case recordsRestored = "records_restored"
    /// Payloads of records were erased.
    case recordsErased = "records_erased"
    /// Superseded versions were dropped.
    case historyDropped = "history_dropped"
    /// Records were carried over to another feature version.
    case recordsRebased = "records_rebased"
    /// Earlier versions of records became current again, since they are what is expected.
    case recordsReverted = "records_reverted"
    /// Results of a claim were stored.
    case claimCompleted = "claim_completed"
    /// Records of a claim were reported as failed.
    case claimFailed = "claim_failed"
    /// Failed records may be tried again.
    case failuresRetried = "failures_retried"
    /// A feature has nothing left to do or under way.
    case drained
    /// An API token was made.
    case tokenCreated = "token_created"
    /// An API token got another secret.
    case tokenRotated = "token_rotated"
    /// An API token was revoked.
    case tokenRevoked = "token_revoked"
}

/// What is noted of a change.
public struct LoggedChange: Sendable {
    /// What it was.
    public let kind: ChangeKind
    /// The feature, or the one that holds its units; nil where it is about no single one.
    public let feature: FeatureID?
    /// The project, where it is about no feature but a project.
    public let project: Int32?
    /// The claim whose results or failures it is.
    public let claim: Int64?
    /// What it amounted to, a JSON object; nil where that is known at the end only.
    public let detail: [UInt8]?

    /// A change of these properties.
    public init(
        _ kind: ChangeKind, feature: FeatureID? = nil, project: Int32? = nil, claim: Int64? = nil,
        detail: [UInt8]? = nil
    ) {
        self.kind = kind
        self.feature = feature
        self.project = project
        self.claim = claim
        self.detail = detail
    }
}

extension ChangeLog {
    /// Notes a change, before or after it is carried out in the same transaction.
    ///
    /// - Returns: the number that its lineage entries carry.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    @discardableResult
    public func begin(_ writer: Writer, _ change: LoggedChange) throws(StoreError) -> Int64 {
        let parameters: [Parameter] = [
            .text(change.kind.rawValue), .int4(change.feature), .int4(change.project), .int8(change.claim),
            .text(writer.worker), .text(writer.materialization), .text(writer.token), .text(writer.request),
            .jsonb(change.detail),
        ]
        let id = try connection.row(.named("operation_begin"), parameters) { row throws(PostgresError) in
            try row.int8(0)
        }
        guard let id else { throw .corrupt("an operation got no number") }
        return id
    }

    /// Numbers for changes that are noted at the end of this transaction.
    public static func numbers(_ count: Int) -> Question<[Int64]> {
        .rows(.named("operation_numbers"), [.int4(Int32(count))]) { row throws(PostgresError) in try row.int8(0) }
    }

    /// Notes changes of the same kind under numbers that they have, with what each amounted to.
    ///
    /// - Parameters:
    ///   - numbers: from `numbers`, ascending.
    ///   - details: a JSON object for each.
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own.
    public func note(
        _ numbers: [Int64], _ writers: [Writer], _ change: LoggedChange, details: [[UInt8]]
    ) throws(StoreError) {
        func texts(_ text: (Writer) -> String?) -> Parameter {
            var column = ByteColumn()
            for writer in writers {
                if let text = text(writer) { column.append(text.utf8) } else { column.appendNull() }
            }
            return .textColumn(column)
        }
        try connection.runLater(
            .named("operation_note"),
            [
                .text(change.kind.rawValue), .int4(change.feature), .int4(change.project), .int8(change.claim),
                .int8Array(numbers), texts(\.worker), texts(\.materialization), texts(\.token), texts(\.request),
                .jsonbArray(details),
            ])
    }

    /// Notes what a change amounted to that this transaction has begun without saying so.
    ///
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own.
    public func complete(_ id: Int64, detail: [UInt8]) throws(StoreError) {
        try connection.runLater(.named("operation_complete"), [.int8(id), .jsonb(detail)])
    }
}
