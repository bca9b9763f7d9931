// Housekeeping of a server process: expires leases, wakes waiting claims, removes old batches, answers and changes, and
// returns memory to the system.

import HTTPServer
import Service
import Sockets

/// The recurring work of a server process. Any one process on a database is enough, and all of them do it.
struct Housekeeping {
    /// The average time between two rounds. It varies, so that processes that start together drift apart.
    static let interval: Duration = .seconds(1)

    /// The number of rounds between two removals of old batches, answers and changes.
    static let forgetEvery = 60

    let metaxy: Metaxy
    /// How long the change feed reports a change; nil for ever.
    let eventRetention: Duration?
    let connections: ServedConnections

    /// Runs until the task is cancelled. Logs an unreachable database once and keeps trying.
    func run() async {
        var round = 0
        var isFailing = false
        var crowd = Crowd()
        while !Task.isCancelled {
            do {
                try await metaxy.claims.expire()
                try await metaxy.waking.wakeWaiters()
                try await metaxy.history.followChanges()
                if round % Self.forgetEvery == 0 {
                    try await metaxy.claims.forgetBatches()
                    try await metaxy.answers.forget()
                    try await metaxy.history.cleanRetentions()
                    if let eventRetention { try await metaxy.history.forgetChanges(olderThan: eventRetention) }
                }
                isFailing = false
            } catch {
                if !isFailing, !Task.isCancelled {
                    Log.write(.warning, "housekeeping failed and will be tried again: \(error)")
                }
                isFailing = true
            }
            round += 1
            if crowd.hasGone(connections: connections.count) {
                do { try FreedMemory.giveBack() } catch {
                    Log.write(.warning, "cannot return memory to the system: \(error)")
                }
            }
            do { try await Task.sleep(for: Self.interval * Double.random(in: 0.75..<1.25)) } catch { return }
        }
    }
}
