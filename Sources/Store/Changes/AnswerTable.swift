// Answers to requests with an idempotency key, given again when a request is sent again.

public import Postgres

/// An answer to a request that carried an idempotency key.
public struct StoredAnswer: Hashable, Sendable {
    /// The digest of the request.
    public let digest: [UInt8]
    /// The status of the answer.
    public let status: Int16
    /// Header fields of the answer, nil where it has none.
    public let entityTag: String?, location: String?
    /// The content of the answer.
    public let content: [UInt8]

    /// The answer of these values.
    public init(digest: [UInt8], status: Int16, entityTag: String?, location: String?, content: [UInt8]) {
        self.digest = digest
        self.status = status
        self.entityTag = entityTag
        self.location = location
        self.content = content
    }
}

/// Reads and writes answers.
public struct AnswerTable {
    private let connection: Connection

    /// The answers seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// The answer to the request that a caller sent with a key.
    ///
    /// - Returns: nil where there was none, or it was forgotten.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func find(caller: String, key: String) throws(StoreError) -> StoredAnswer? {
        try connection.row(.named("answer_find"), [.text(caller), .text(key)]) { row throws(PostgresError) in
            StoredAnswer(
                digest: try row.bytes(0), status: try row.int2(1), entityTag: try row.textOrNil(2),
                location: try row.textOrNil(3), content: try row.bytes(4))
        }
    }

    /// Keeps an answer, in the transaction whose outcome it describes.
    ///
    /// - Returns: false where another request with the same key was faster.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; waits for a request with the same key that is about to commit.
    public func keep(_ answer: StoredAnswer, caller: String, key: String) throws(StoreError) -> Bool {
        try connection.run(
            .named("answer_keep"),
            [
                .text(caller), .text(key), .bytes(answer.digest), .int2(answer.status), .text(answer.entityTag),
                .text(answer.location), .bytes(answer.content),
            ]) == 1
    }

    /// Deletes the answers that are older than some seconds.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(answers forgotten).
    public func forget(olderThan seconds: Double) throws(StoreError) {
        try connection.run(.named("answer_forget"), [.double(seconds)])
    }
}
