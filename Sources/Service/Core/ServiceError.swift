// What a use case can answer instead of its result.

public import Feature
public import Postgres
public import Store

/// One thing that is wrong with what a client sent.
public struct Fault: Hashable, Sendable {
    /// Where.
    public enum Place: Hashable, Sendable {
        /// A JSON pointer into the body.
        case pointer(String)
        /// A line of an NDJSON body, 1 for the first.
        case line(Int)
        /// A parameter of the query.
        case parameter(String)
    }

    /// Where.
    public let place: Place
    /// What is wrong and what would be right.
    public let detail: String

    /// A fault at `place`.
    public init(_ place: Place, _ detail: String) {
        self.place = place
        self.detail = detail
    }
}

/// Why a use case did nothing.
public enum ServiceError: Error, Hashable, Sendable {
    /// No such feature in the current graph.
    case featureNotFound(String)
    /// No such project.
    case projectNotFound(String)
    /// No such claim.
    case claimNotFound(Int64)
    /// No such record.
    case recordNotFound
    /// No such API token.
    case tokenNotFound(String)
    /// No such project version.
    case versionNotFound(String)
    /// What was sent does not hold together.
    case invalid([Fault])
    /// The graph that was pushed does not hold together.
    case invalidGraph([Fault])
    /// The feed tells changes after that place no more: up to those of this moment, microseconds since 1970.
    case placeForgotten(horizon: Int64?)
    /// The feed has not come to that place: the database was put back to a moment of before.
    case placeUnknown
    /// What was current then may have been dropped; that of the horizon, microseconds since 1970, and later is there.
    case historyDropped(FeatureKey, horizon: Int64)
    /// The lease was lost; the text says how.
    case leaseLost(String)
    /// The request contradicts the present state; nothing was changed.
    case conflict(String)
    /// The project is not at the version that the client expects.
    case preconditionFailed(current: String?)
    /// The settings are not at the revision that the client expects.
    case settingsMoved(current: String)
    /// The worker lacks tags that every feature it asks for requires; the text says which.
    case requirementsNotMet(String)
    /// The database cannot be reached or is overloaded: the same request may succeed later.
    case unavailable(PostgresError)
    /// The rest of what the client was sending did not come in time; nothing was changed.
    case tooSlow
    /// The process is about to stop and hands out no more work; another one does.
    case stopping
    /// The caller went away.
    case cancelled
    /// A bug, or a hand in the tables; the text is for the log.
    case `internal`(String)
}

extension ServiceError: PostgresErrorConvertible {
    /// A failure of the database, seen from the service.
    public init(_ error: PostgresError) {
        self.init(StoreError.database(error))
    }

    /// A failure of the store, seen from the service.
    public init(_ error: StoreError) {
        switch error {
        case .database(let error): self = Self.database(error)
        case .corrupt(let detail): self = .internal(detail)
        case .newerSchema(let found, let known):
            self = .internal("the schema is at \(found), this program knows \(known)")
        case .changedMigration(let name): self = .internal("the migration \(name) was changed")
        }
    }

    /// What the server answers while it starts, stops, fails over or has no room: it passes, or an operator mends it.
    private static let passing: Set<SQLState> = [
        .serializationFailure, .deadlockDetected, .lockNotAvailable, .queryCanceled, .adminShutdown, .crashShutdown,
        .cannotConnectNow, .tooManyConnections, .diskFull, .outOfMemory, .readOnlySQLTransaction,
    ]

    private static func database(_ error: PostgresError) -> ServiceError {
        switch error.code {
        case .connectFailed, .connectionLost, .commitUnknown, .poolExhausted, .poolClosed: .unavailable(error)
        case .cancelled: .cancelled
        case .server(let state) where Self.passing.contains(state): .unavailable(error)
        case .server, .protocolViolation, .decode: .internal(error.description)
        }
    }
}

/// Runs a part of the store inside a use case.
func stored<T>(_ body: () throws(StoreError) -> T) throws(ServiceError) -> T {
    do { return try body() } catch { throw ServiceError(error) }
}
