// Reports statements that took longer than a limit, with the caller that they ran for.

import Base

/// Notices slow statements of one connection.
struct SlowStatements {
    /// The limit; nil to report nothing.
    let limit: Duration?
    let observe: @Sendable (PostgresEvent) -> Void
    /// The caller that the connection works for at the moment.
    var caller: String?

    /// Reports statements that began at `start` and have just ended, if they took long.
    func note(since start: MonotonicTime, _ names: () -> [String]) {
        let duration = MonotonicTime.now() - start
        guard let limit, duration >= limit else { return }
        observe(.slowStatements(names: names(), duration: duration, caller: caller))
    }
}
