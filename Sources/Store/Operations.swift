// Who writes lineage: one row for each request.

public import Postgres

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

/// The log of writing requests.
public struct Operations {
    private let connection: Connection

    /// The log seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Notes a request that is about to write lineage.
    ///
    /// - Returns: the number that its lineage entries carry.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func begin(_ writer: Writer, claim: Int64? = nil) throws(StoreError) -> Int64 {
        let parameters: [Parameter] = [
            .int8(claim), .text(writer.worker), .text(writer.materialization), .text(writer.token),
            .text(writer.request),
        ]
        let id = try connection.row(Self.beginStatement, parameters) { row throws(PostgresError) in try row.int8(0) }
        guard let id else { throw .corrupt("an operation got no number") }
        return id
    }

    private static let beginStatement = Statement(
        "operation_begin",
        """
        INSERT INTO operation (at, claim_id, worker, materialization_id, token_name, request_id)
        VALUES (now(), $1, $2, $3, $4, $5) RETURNING id
        """)
}
