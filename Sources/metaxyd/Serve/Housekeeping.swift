// What a server process does by itself, all along: taking back expired leases, waking who waits, forgetting old batches,
// answers and changes, giving back memory.

import HTTPServer
import Service
import Sockets

/// The recurring work of a server process. Every process does it; none needs to.
struct Housekeeping {
    /// How often expired leases are looked for, and work that nobody told of: on the average, as processes that were
    /// started together must not look together for ever.
    static let interval: Duration = .seconds(1)

    /// How often old batches, answers and changes are looked for.
    static let forgetEvery = 60

    let metaxy: Metaxy
    /// For how long the feed tells a change; nil for ever.
    let eventRetention: Duration?
    let connections: ServedConnections

    /// Runs until the task is cancelled. A database that is away is noted once and waited for.
    func run() async {
        var round = 0
        var isFailing = false
        var crowd = Crowd()
        while !Task.isCancelled {
            do {
                try await metaxy.expire()
                try await metaxy.wakeWaiters()
                try await metaxy.followChanges()
                if round % Self.forgetEvery == 0 {
                    try await metaxy.forgetBatches()
                    try await metaxy.forgetAnswers()
                    try await metaxy.cleanRetentions()
                    if let eventRetention { try await metaxy.forgetChanges(olderThan: eventRetention) }
                }
                isFailing = false
            } catch {
                if !isFailing, !Task.isCancelled {
                    Log.write(.warning, "leases cannot be taken back and waiters not woken for now: \(error)")
                }
                isFailing = true
            }
            round += 1
            if crowd.hasGone(connections: connections.count) {
                do { try FreedMemory.giveBack() } catch { Log.write(.warning, "memory is not given back: \(error)") }
            }
            do { try await Task.sleep(for: Self.interval * Double.random(in: 0.75..<1.25)) } catch { return }
        }
    }
}
