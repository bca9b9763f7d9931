// Those who wait until a feature has something to hand out.

import Feature
import Synchronization

/// Tasks waiting for work. A waiting task costs an entry here and nothing else: no thread, no connection.
final class Waiters: Sendable {
    private struct Waiter {
        let features: Set<FeatureID>
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var next: UInt64 = 0
        var waiting: [UInt64: Waiter] = [:]
        var byFeature: [FeatureID: Set<UInt64>] = [:]
        /// The greatest position that `advance` was given.
        var position: Int64 = -1
        /// Counts wake-ups, so that one which comes between looking for work and waiting is not missed.
        var wakes: [FeatureID: UInt64] = [:]
    }

    private let state = Mutex(State())
    private let wakeUps = Atomic<UInt64>(0)

    /// How many waiting tasks were woken because there may be work, since the start.
    var wakeUpsTotal: UInt64 { wakeUps.load(ordering: .relaxed) }

    /// How many wake-ups `features` have seen: to be taken before looking for work and given to `wait`.
    func mark(_ features: Set<FeatureID>) -> UInt64 {
        state.withLock { state in features.reduce(0) { $0 &+ (state.wakes[$1] ?? 0) } }
    }

    /// The features for which someone waits.
    var features: Set<FeatureID> {
        state.withLock { state in Set(state.byFeature.filter { !$0.value.isEmpty }.keys) }
    }

    /// Notes how far a log that is waited for goes.
    ///
    /// - Returns: whether that is farther than before.
    func advance(to position: Int64) -> Bool {
        state.withLock { state in
            guard position > state.position else { return false }
            state.position = position
            return true
        }
    }

    /// How many tasks are waiting.
    var count: Int { state.withLock { $0.waiting.count } }

    /// Waits until one of `features` is woken after `mark`, until `timeout` has passed, or until the task is cancelled.
    func wait(for features: Set<FeatureID>, since mark: UInt64, timeout: Duration) async {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.suspend(id, features, since: mark) }
            group.addTask {
                // A cancelled sleep ends early, which is what is wanted.
                do { try await Task.sleep(for: timeout) } catch {}
            }
            await group.next()
            group.cancelAll()
            self.resume([id])
        }
    }

    /// Wakes all who wait for any of `features`.
    func wake(_ features: Set<FeatureID>) {
        guard !features.isEmpty else { return }
        let ids = state.withLock { state in
            for feature in features { state.wakes[feature, default: 0] &+= 1 }
            return features.reduce(into: Set<UInt64>()) { $0.formUnion(state.byFeature[$1] ?? []) }
        }
        wakeUps.add(UInt64(ids.count), ordering: .relaxed)
        resume(ids)
    }

    /// Wakes everyone: the process is about to stop.
    func wakeAll() {
        resume(state.withLock { Set($0.waiting.keys) })
    }

    private func suspend(_ id: UInt64, _ features: Set<FeatureID>, since mark: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isLate = state.withLock { state in
                    let now = features.reduce(0) { $0 &+ (state.wakes[$1] ?? 0) }
                    guard now == mark, !Task.isCancelled else { return true }
                    state.waiting[id] = Waiter(features: features, continuation: continuation)
                    for feature in features { state.byFeature[feature, default: []].insert(id) }
                    return false
                }
                if isLate { continuation.resume() }
            }
        } onCancel: {
            resume([id])
        }
    }

    private func resume(_ ids: Set<UInt64>) {
        let waiters = state.withLock { state in
            ids.compactMap { id -> Waiter? in
                guard let waiter = state.waiting.removeValue(forKey: id) else { return nil }
                for feature in waiter.features { state.byFeature[feature]?.remove(id) }
                return waiter
            }
        }
        for waiter in waiters { waiter.continuation.resume() }
    }
}
