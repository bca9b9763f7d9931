// The faults and errors that use cases report.

public import Feature
public import Postgres
public import Store

/// A fault in a request.
public struct Fault: Hashable, Sendable {
    /// The location of a fault.
    public enum Place: Hashable, Sendable {
        /// A JSON pointer into the body.
        case pointer(String)
        /// A line of an NDJSON body, 1 for the first.
        case line(Int)
        /// A parameter of the query.
        case parameter(String)
    }

    /// The location.
    public let place: Place
    /// The fault and what would be right, for people.
    public let detail: String

    /// A fault at `place`.
    public init(_ place: Place, _ detail: String) {
        self.place = place
        self.detail = detail
    }
}

/// Why a use case had no effect.
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
    /// The request has faults.
    case invalid([Fault])
    /// The pushed graph has faults.
    case invalidGraph([Fault])
    /// The feed no longer reports changes after this position. They were made up to this moment, in microseconds since 1970.
    case placeForgotten(horizon: Int64?)
    /// The feed has not reached this position, because the database was restored to an earlier moment.
    case placeUnknown
    /// Versions that were current at that moment may have been dropped. All since the horizon, in microseconds since 1970,
    /// are kept.
    case historyDropped(FeatureKey, horizon: Int64)
    /// The lease was lost, for the reason in the text.
    case leaseLost(String)
    /// The request contradicts the present state; nothing was changed.
    case conflict(String)
    /// The project is not at the version that the client expects.
    case preconditionFailed(current: String?)
    /// The settings are not at the revision that the client expects.
    case settingsMoved(current: String)
    /// The worker lacks tags that every requested feature requires. The text names them.
    case requirementsNotMet(String)
    /// The database cannot be reached or is overloaded: the same request may succeed later.
    case unavailable(PostgresError)
    /// The rest of the request's body did not come in time; nothing was changed.
    case tooSlow
    /// The process is about to stop and hands out no more work.
    case stopping
    /// The caller went away.
    case cancelled
    /// A bug, or a change of the tables by hand. The text is for the log.
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

    /// The states that a server reports while it starts, stops, fails over or has no room. They are temporary.
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

/// Runs statements of the store inside a use case.
func stored<T>(_ body: () throws(StoreError) -> T) throws(ServiceError) -> T {
    do { return try body() } catch { throw ServiceError(error) }
}
