// Work of this process that other processes have not been notified of.

import Feature
import Synchronization

/// Work that became ready and of which no notice was sent.
final class UnsentNotices: Sendable {
    /// Signals soon after work was added. One task reads it.
    let signals: AsyncStream<Void>
    /// The id of this process in its notices, by which it ignores them.
    ///
    /// It comes from the system's generator, so that two processes with the same source of random numbers differ.
    let origin = UInt64.random(in: .min ... .max)
    private let continuation: AsyncStream<Void>.Continuation
    private let pending = Mutex<[FeatureID: ReadyWork]>([:])

    init() {
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Adds work to the next notice.
    func add(_ work: [FeatureID: ReadyWork]) {
        guard !work.isEmpty else { return }
        pending.withLock { $0.merge(work) { $0 + $1 } }
        continuation.yield()
    }

    /// Takes all work for a notice.
    func take() -> [FeatureID: ReadyWork] {
        pending.withLock { pending in
            defer { pending = [:] }
            return pending
        }
    }
}
