// Failures as JSON.

import JSON
import Store

extension JSONWriter {
    /// Writes the members of a failure.
    mutating func failure(_ failure: Failure) {
        member("state", failure.retryAt == nil ? "quarantined" : "failing")
        member("attempts", failure.attempts)
        member("error", failure.error)
        member("worker", failure.worker)
        member("first_failed_at", time: failure.firstAt)
        member("last_failed_at", time: failure.lastAt)
        member("retry_at", time: failure.retryAt)
    }
}
