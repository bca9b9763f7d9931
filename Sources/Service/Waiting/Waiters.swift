// Tasks that wait until a feature has units to hand out, or until the log of changes grows.

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
        /// Counts of wake-ups, so that a wake-up between looking for work and waiting is not missed.
        var wakes: [FeatureID: UInt64] = [:]
        var rounds: UInt64 = 0
        /// For each feature, the task that looks again soon because it met blocks that another transaction held.
        var watchers: [FeatureID: UInt64] = [:]

        func mark(_ features: Set<FeatureID>) -> UInt64 {
            features.reduce(rounds) { $0 &+ (wakes[$1] ?? 0) }
        }
    }

    private let state = Mutex(State())
    private let wakeUps = Atomic<UInt64>(0)

    /// How many waiting tasks were woken since the start.
    var wakeUpsTotal: UInt64 { wakeUps.load(ordering: .relaxed) }

    /// A number in the order of arrival. A task keeps its number however often it looks in vain and waits again.
    func enter() -> UInt64 {
        state.withLock { state in
            state.numbers += 1
            return state.numbers
        }
    }

    /// The count of wake-ups of `features`. A task takes it before it looks for work and passes it to `wait`.
    func mark(_ features: Set<FeatureID>) -> UInt64 {
        state.withLock { $0.mark(features) }
    }

    /// The features for which a task waits.
    var features: Set<FeatureID> { state.withLock { $0.line.features } }

    /// Notes the features of which a task met blocks that another transaction held, perhaps of a process that does not know
    /// the tasks here. One of these tasks looks again after a while. When it meets no such block, the turn goes on.
    ///
    /// - Returns: whether the task is the one that looks again, for at least one feature.
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

    /// Removes a task that looks no more. Where it was to look again, another task does.
    func leave(_ number: UInt64) {
        let features = state.withLock { state in
            let features = state.watchers.filter { $0.value == number }.keys.sorted()
            for feature in features { state.watchers[feature] = nil }
            return features
        }
        for feature in features { pass(Turn(feature: feature)) }
    }

    /// Notes the end of the log that tasks wait for.
    ///
    /// - Returns: whether the log has grown.
    func advance(to position: Int64) -> Bool {
        state.withLock { state in
            guard position > state.position else { return false }
            state.position = position
            return true
        }
    }

    /// How many tasks are waiting.
    var count: Int { state.withLock { $0.line.count } }

    /// Waits until the task gets a turn, until there was a wake-up after `mark`, until `timeout` has passed, or until the task
    /// is cancelled.
    ///
    /// - Parameter number: the task's number, from `enter`.
    /// - Returns: the task's turn, also where it came at the same time as the time-out; nil for none.
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

    /// Wakes the first tasks that can have some of this work.
    func wake(_ work: [FeatureID: ReadyWork]) {
        guard !work.isEmpty else { return }
        resume { state in
            work.keys.sorted().flatMap { feature -> [(UInt64, Turn?)] in
                state.wakes[feature, default: 0] &+= 1
                return state.line.take(work[feature] ?? .some, of: feature).map { ($0, Turn(feature: feature)) }
            }
        }
    }

    /// Hands a turn on. Where no waiting task can use it, it counts as a wake-up for tasks that are about to wait.
    ///
    /// - Returns: whether a task got the turn.
    @discardableResult
    func pass(_ turn: Turn) -> Bool {
        resume { state in
            if let next = state.line.take(turn) { return [(next, turn)] }
            state.wakes[turn.feature, default: 0] &+= 1
            return []
        } > 0
    }

    /// Wakes all tasks, without a turn to hand on.
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

    /// Wakes the tasks that `choose` removes from the line.
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
