// What a process has once, whichever caller uses its service.

import Feature
import Postgres
import Synchronization

/// Whether the process is about to stop.
final class DrainSignal: Sendable {
    private let state = Atomic<Bool>(false)

    /// Whether the process is about to stop.
    var isOn: Bool { state.load(ordering: .acquiring) }

    /// Says that the process is about to stop.
    func turnOn() { state.store(true, ordering: .releasing) }
}

/// The state that all values of one service share. The root alone holds all of it, and hands each subject its part.
final class ServiceState: Sendable {
    let context: TransactionContext
    /// A number in 0..<1, for delays that must not fall together.
    let random: @Sendable () -> Double
    let draining = DrainSignal()
    let tokens = TokenMemory()
    /// The units of the latest claims.
    let claims = ClaimMemory()
    /// Claims of a few units, which are made together where many come.
    let smallClaims = SmallClaims(most: TransactionLimits.smallClaimsTogetherMax)
    /// Writes of a few rows to a root, which are carried out together where many come.
    let smallWrites = SmallWrites(most: TransactionLimits.smallWritesTogetherMax)
    /// Long writes, each of which keeps a connection for as long as its body takes to come in.
    let streams = Gate(most: TransactionLimits.streamedWritesMax)

    init(pool: Pool, random: @escaping @Sendable () -> Double) {
        context = TransactionContext(pool: pool)
        self.random = random
    }
}
