// Those who wait until a feature has something to hand out.

import Feature
import Synchronization

/// Tasks waiting for work. A waiting task costs an entry here and a timer: no thread, no connection.
final class Waiters: Sendable {
    private struct State {
        var numbers: UInt64 = 0
        var line = WaitLine()
        var continuations: [UInt64: CheckedContinuation<Turn?, Never>] = [:]
        /// The greatest position that `advance` was given.
        var position: Int64 = -1
        /// Counts wake-ups, so that one which comes between looking for work and waiting is not missed.
        var wakes: [FeatureID: UInt64] = [:]
        var rounds: UInt64 = 0
        /// Who looks again soon because it met blocks that somebody else held: one for each feature.
        var watchers: [FeatureID: UInt64] = [:]

        func mark(_ features: Set<FeatureID>) -> UInt64 {
            features.reduce(rounds) { $0 &+ (wakes[$1] ?? 0) }
        }
    }

    private let state = Mutex(State())
    private let wakeUps = Atomic<UInt64>(0)

    /// How many waiting tasks were woken because there may be work, since the start.
    var wakeUpsTotal: UInt64 { wakeUps.load(ordering: .relaxed) }

    /// A place in the order: whoever has it keeps it however often it looks in vain and waits again.
    func enter() -> UInt64 {
        state.withLock { state in
            state.numbers += 1
            return state.numbers
        }
    }

    /// How many wake-ups `features` have seen: to be taken before looking for work and given to `wait`.
    func mark(_ features: Set<FeatureID>) -> UInt64 {
        state.withLock { $0.mark(features) }
    }

    /// The features for which someone waits.
    var features: Set<FeatureID> { state.withLock { $0.line.features } }

    /// Notes for which features somebody met blocks that somebody else held, perhaps in a process that does not know
    /// who waits here. One of those who did looks again after a while; when it meets none any more, the turn goes on.
    ///
    /// - Returns: whether it is the one that looks again, for at least one feature.
    func watch(_ number: UInt64, for demand: ClaimDemand, contended: Set<FeatureID>) -> Bool {
        let (isWatcher, clear) = state.withLock { state in
            let clear = state.watchers.filter { $0.value == number && !contended.contains($0.key) }.keys.sorted()
            for feature in clear { state.watchers[feature] = nil }
            for feature in contended where state.watchers[feature] == nil { state.watchers[feature] = number }
            return (contended.contains { state.watchers[$0] == number }, clear)
        }
        for feature in clear { pass(Turn(feature: feature, fruitless: [demand.conditions])) }
        return isWatcher
    }

    /// Somebody looks no more: where it was to look again, another does.
    func leave(_ number: UInt64) {
        let features = state.withLock { state in
            let features = state.watchers.filter { $0.value == number }.keys.sorted()
            for feature in features { state.watchers[feature] = nil }
            return features
        }
        for feature in features { pass(Turn(feature: feature)) }
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
    var count: Int { state.withLock { $0.line.count } }

    /// Waits until it is somebody's turn, until anything was woken after `mark`, until `timeout` has passed, or until
    /// the task is cancelled.
    ///
    /// - Parameter number: from `enter`.
    /// - Returns: the turn that it was given, also where it came together with the end of the time.
    func wait(_ number: UInt64, for demand: ClaimDemand, since mark: UInt64, timeout: Duration) async -> Turn? {
        await withTaskGroup(of: Turn?.self) { group in
            group.addTask { await self.suspend(number, demand, since: mark) }
            group.addTask {
                // A cancelled sleep ends early, which is what is wanted.
                do { try await Task.sleep(for: timeout) } catch {}
                return nil
            }
            var turn = await group.next() ?? nil
            group.cancelAll()
            for await other in group { turn = turn ?? other }
            return turn
        }
    }

    /// Wakes the first who can have some of this work.
    func wake(_ work: [FeatureID: ReadyWork]) {
        guard !work.isEmpty else { return }
        resume { state in
            work.keys.sorted().flatMap { feature -> [(UInt64, Turn?)] in
                state.wakes[feature, default: 0] &+= 1
                return state.line.take(work[feature] ?? .some, of: feature).map { ($0, Turn(feature: feature)) }
            }
        }
    }

    /// Hands a turn on; where nobody waits who could use it, it counts as a wake-up for those who are about to wait.
    ///
    /// - Returns: whether somebody has it.
    @discardableResult
    func pass(_ turn: Turn) -> Bool {
        resume { state in
            if let next = state.line.take(turn) { return [(next, turn)] }
            state.wakes[turn.feature, default: 0] &+= 1
            return []
        } > 0
    }

    /// Wakes everyone, without a turn to hand on.
    func wakeAll() {
        resume { state in
            state.rounds &+= 1
            let numbers = state.line.numbers
            for number in numbers { state.line.remove(number) }
            return numbers.map { ($0, nil) }
        }
    }

    private func suspend(_ number: UInt64, _ demand: ClaimDemand, since mark: UInt64) async -> Turn? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isLate = state.withLock { state in
                    guard state.mark(demand.features) == mark, !Task.isCancelled else { return true }
                    state.line.add(number, demand)
                    state.continuations[number] = continuation
                    return false
                }
                if isLate { continuation.resume(returning: nil) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.line.remove(number)
                return state.continuations.removeValue(forKey: number)
            }
            continuation?.resume(returning: nil)
        }
    }

    /// Wakes those whom `choose` takes out of the line.
    ///
    /// - Returns: how many.
    @discardableResult
    private func resume(_ choose: (inout State) -> [(UInt64, Turn?)]) -> Int {
        let woken = state.withLock { state in
            choose(&state).compactMap { number, turn in
                state.continuations.removeValue(forKey: number).map { ($0, turn) }
            }
        }
        wakeUps.add(UInt64(woken.count), ordering: .relaxed)
        for (continuation, turn) in woken { continuation.resume(returning: turn) }
        return woken.count
    }
}
