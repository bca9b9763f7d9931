// Requests that take effect once, however often they are sent.

import Postgres
public import Store

/// A request that may be sent again: what it did and what was answered are stored together or not at all.
public final class IdempotentRequest: Sendable {
    /// The request that the task is carrying out; nil where it may take effect each time.
    @TaskLocal public static var current: IdempotentRequest?

    /// Whose key it is: the name of the API token, "" without one.
    let caller: String
    /// What the client calls the request.
    let key: String
    private let answer: @Sendable (any Sendable) -> StoredAnswer?

    /// A request known by `key`.
    ///
    /// - Parameter answer: the answer to an outcome; nil for what is not the request's outcome.
    public init(caller: String, key: String, answer: @escaping @Sendable (any Sendable) -> StoredAnswer?) {
        self.caller = caller
        self.key = key
        self.answer = answer
    }

    /// Keeps the answer to `outcome` in the transaction that made it.
    ///
    /// A request takes several transactions at times; only one of them has an outcome of the kind that is answered.
    func keep(_ outcome: some Sendable, _ connection: Connection) throws(ServiceError) {
        // Writes that may be carried out with others have no key, so that there is one here.
        let told: any Sendable =
            (outcome as? ClaimOutcome)?.batch ?? (outcome as? [WriteOutcome])?.first ?? outcome
        guard let answer = answer(told) else { return }
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

    /// What was answered to the request that a caller sent with a key.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: one round trip.
    public func find(caller: String, key: String) async throws(ServiceError) -> StoredAnswer? {
        try await pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in try AnswerTable(connection).find(caller: caller, key: key) }
        }
    }

    /// Forgets answers that no client asks for any more.
    ///
    /// - Throws: `.unavailable`.
    public func forget() async throws(ServiceError) {
        try await pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in
                try AnswerTable(connection).forget(olderThan: Limits.answerMemorySeconds)
            }
        }
    }
}
