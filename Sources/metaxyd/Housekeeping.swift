// What a server process does by itself, all along: taking back expired leases, forgetting old batches.

import Service

/// The recurring work of a server process. Every process does it; none needs to.
struct Housekeeping {
    /// How soon after its end an expired lease is noticed.
    static let expiryInterval: Duration = .seconds(1)

    /// How often old batches are looked for.
    static let forgetEvery = 60

    let metaxy: Metaxy

    /// Runs until the task is cancelled. A database that is away is noted once and waited for.
    func run() async {
        var round = 0
        var isFailing = false
        while !Task.isCancelled {
            do {
                try await metaxy.expire()
                if round % Self.forgetEvery == 0 { try await metaxy.forgetBatches() }
                isFailing = false
            } catch {
                if !isFailing, !Task.isCancelled {
                    Log.write(.warning, "leases cannot be taken back for now: \(error)")
                }
                isFailing = true
            }
            round += 1
            do { try await Task.sleep(for: Self.expiryInterval) } catch { return }
        }
    }
}
