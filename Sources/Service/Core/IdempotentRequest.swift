// Requests that take effect once, however often they are sent.

import Postgres
public import Store

/// A request that a client may repeat. Its effect and its answer are stored in one transaction.
public final class IdempotentRequest: Sendable {
    /// The request of the current task; nil where a repeated request takes effect again.
    @TaskLocal public static var current: IdempotentRequest?

    /// The owner of the key: the name of the API token, "" without one.
    let caller: String
    /// The client's key for the request.
    let key: String
    private let answer: @Sendable (any Sendable) -> StoredAnswer?

    /// A request with a key.
    ///
    /// - Parameter answer: returns the answer to an outcome; nil for a value that is not the request's outcome.
    public init(caller: String, key: String, answer: @escaping @Sendable (any Sendable) -> StoredAnswer?) {
        self.caller = caller
        self.key = key
        self.answer = answer
    }

    /// Stores the answer to `outcome` in the transaction that made it.
    ///
    /// A request may take several transactions. Only one of them has an outcome of the kind that `answer` knows.
    func keep(_ outcome: some Sendable, _ connection: Connection) throws(ServiceError) {
        // A write with a key is never carried out together with others, so that there is one outcome.
        let answered: any Sendable =
            (outcome as? ClaimOutcome)?.batch ?? (outcome as? [WriteOutcome])?.first ?? outcome
        guard let answer = answer(answered) else { return }
        let isFirst = try stored { () throws(StoreError) in
            try AnswerTable(connection).keep(answer, caller: caller, key: key)
        }
        guard isFirst else {
            throw .conflict("a request with the same Idempotency-Key is being answered; send it again in a moment")
        }
    }
}

/// Answers to requests with an idempotency key.
public struct AnswerService: Sendable {
    let pool: Pool

    /// The stored answer to a caller's request with a key; nil where there is none.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: one round trip.
    public func find(caller: String, key: String) async throws(ServiceError) -> StoredAnswer? {
        try await pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in try AnswerTable(connection).find(caller: caller, key: key) }
        }
    }

    /// Deletes answers that are older than `TransactionLimits.answerMemorySeconds`.
    ///
    /// - Throws: `.unavailable`.
    public func forget() async throws(ServiceError) {
        try await pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in
                try AnswerTable(connection).forget(olderThan: TransactionLimits.answerMemorySeconds)
            }
        }
    }
}
