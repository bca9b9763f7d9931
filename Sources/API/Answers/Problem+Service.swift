// Which problem each failure of a use case is.

import Base
import HTTP
import Service

extension Problem {
    /// The problem that a use case's failure is for the client.
    init(_ error: ServiceError) {
        switch error {
        case .featureNotFound(let key):
            self.init(.featureNotFound, "The current graph has no feature \"\(key)\".")
        case .projectNotFound(let name):
            self.init(.projectNotFound, "There is no project \"\(name)\".")
        case .claimNotFound(let id):
            self.init(.claimNotFound, "There is no claim \(id).")
        case .recordNotFound:
            self.init(.recordNotFound, "There is no such record, and none is expected.")
        case .tokenNotFound(let name):
            self.init(.tokenNotFound, "There is no API token \"\(name)\".")
        case .versionNotFound(let version):
            self.init(.versionNotFound, "There has never been a version \"\(version)\".")
        case .invalid(let faults):
            self.init(.validationFailed, faults)
        case .invalidGraph(let faults):
            self.init(.invalidGraph, faults)
        case .placeForgotten(let horizon):
            let moment =
                horizon.map { " Changes up to \(Timestamp(microseconds: $0).description) are told no more." } ?? ""
            self.init(
                .cursorExpired, .parameter("after"),
                "changes after this place may have been missed.\(moment) \(Self.startAgain)")
        case .placeUnknown:
            self.init(
                .cursorExpired, .parameter("after"),
                """
                the feed has not come to this place: the database was put back to a moment of before, and changes that \
                were told are undone. \(Self.startAgain)
                """)
        case .historyDropped(let feature, let horizon):
            let time = Timestamp(microseconds: horizon).description
            self.init(
                .historyDropped, .parameter("as_of"),
                "versions of \(feature) that were superseded before \(time) were dropped; ask for \(time) or later")
        case .leaseLost(let reason):
            self.init(.leaseLost, reason)
        case .conflict(let reason):
            self.init(.conflict, reason)
        case .preconditionFailed(let current):
            self = Self.preconditionFailed(current)
        case .settingsMoved(let current):
            self = Problem(.preconditionFailed, "The settings are at revision \"\(current)\".")
                .with("ETag", EntityTag.text(current))
        case .requirementsNotMet(let detail):
            self.init(.requirementsNotMet, "The worker lacks tags: \(detail).")
        case .unavailable(let error):
            self = Problem(.unavailable, "The database cannot be reached or is overloaded; try again.")
                .with(cause: "\(error)")
        case .tooSlow:
            self.init(.requestTimeout, "The rest of the body did not come in time.")
        case .stopping:
            self.init(
                .notReady, "The server is stopping and hands out no more work; ask again, and another one answers.")
        case .cancelled:
            self.init(.unavailable, "The request was given up before it was done.")
        case .internal(let detail):
            self = Problem(.internal, "The server failed; its log has the reason under this request id.")
                .with(cause: detail)
        }
    }

    private static let startAgain =
        "Ask once with after=latest, then resolve what you follow, then go on from the next of that answer; "
        + "or leave out after to be told all that still is."

    private static func preconditionFailed(_ current: String?) -> Problem {
        guard let current else { return Problem(.preconditionFailed, "The project has not been pushed yet.") }
        return Problem(.preconditionFailed, "The project is at version \"\(current)\".")
            .with("ETag", EntityTag.text(current))
    }
}

/// Runs a use case inside a handler.
func served<T>(_ body: () async throws(ServiceError) -> T) async throws(Problem) -> T {
    do { return try await body() } catch { throw Problem(error) }
}
