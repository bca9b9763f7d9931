// What the other processes are still to be told about work that turned up in this one.

import Feature
import Synchronization

/// Work that turned up and has not been told yet.
final class UnsentNotices: Sendable {
    /// Comes soon after something was added; for one reader.
    let signals: AsyncStream<Void>
    /// Tells this process's notices from those of others.
    ///
    /// From the system, not from the service's own source of numbers: two processes that were given the same source must
    /// still hear each other.
    let origin = UInt64.random(in: .min ... .max)
    private let continuation: AsyncStream<Void>.Continuation
    private let pending = Mutex<[FeatureID: ReadyWork]>([:])

    init() {
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Notes work that is to be told.
    func add(_ work: [FeatureID: ReadyWork]) {
        guard !work.isEmpty else { return }
        pending.withLock { $0.merge(work) { $0 + $1 } }
        continuation.yield()
    }

    /// Everything that is to be told, which is then as good as told.
    func take() -> [FeatureID: ReadyWork] {
        pending.withLock { pending in
            defer { pending = [:] }
            return pending
        }
    }
}
