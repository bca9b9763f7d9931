// What was handed out with claims, as the process that did so remembers it.

import Feature
import Postgres
import Store
import Synchronization

/// What was handed out with a claim.
struct HandedOut: Sendable {
    /// Its units.
    let units: ClaimUnits
    /// The encoded keys of the units, in their order.
    let keys: ByteColumn

    /// Bytes that it takes in memory, about.
    fileprivate var size: Int { units.size + keys.bytes.count + 4 * keys.count + 256 }
}

/// The latest claims of this process, up to `TransactionLimits.claimMemoryBytes`: reports mostly come to the server that handed the
/// units out, and need not read them back from the database.
///
/// What is handed out with a claim never changes, and the claim itself is always read and locked, so what is remembered
/// is true for as long as the claim is held with that token; other servers and restarts do not matter.
final class ClaimMemory: Sendable {
    private struct Entry {
        let token: Int64
        let handedOut: HandedOut
    }

    private struct State {
        var entries: [Int64: Entry] = [:]
        /// Claims in the order in which they were remembered; some of them are forgotten by now.
        var order: [Int64] = []
        /// Where in `order` the oldest one is.
        var first = 0
        var size = 0

        mutating func remove(_ claim: Int64) {
            if let entry = entries.removeValue(forKey: claim) { size -= entry.handedOut.size }
        }

        /// Leaves out of the order what is forgotten, once that is most of it.
        mutating func compact() {
            guard order.count > 2 * entries.count + 64 else { return }
            order = order[first...].filter { entries[$0] != nil }
            first = 0
        }
    }

    private let state = Mutex(State())
    /// For each feature, how many units there were to hand out in a block that had some, when last looked at.
    private let densities = Mutex<[FeatureID: Double]>([:])

    /// Bytes that all of it takes, about.
    var size: Int { state.withLock { $0.size } }

    /// Remembers a claim that was committed, and forgets the oldest where there is no room.
    func remember(_ claim: StoredClaim, _ handedOut: HandedOut) {
        guard handedOut.size <= TransactionLimits.claimMemoryBytes else { return }
        state.withLock { state in
            state.remove(claim.id)
            state.entries[claim.id] = Entry(token: claim.token, handedOut: handedOut)
            state.order.append(claim.id)
            state.size += handedOut.size
            while state.size > TransactionLimits.claimMemoryBytes, state.first < state.order.count {
                state.remove(state.order[state.first])
                state.first += 1
            }
            state.compact()
        }
    }

    /// What was handed out with a claim, as far as it is remembered.
    func recall(_ claim: StoredClaim) -> HandedOut? {
        state.withLock { state in
            guard let entry = state.entries[claim.id], entry.token == claim.token else { return nil }
            return entry.handedOut
        }
    }

    /// Notes how many units a claim found in how many blocks.
    func note(units: Int, in blocks: Int, of feature: FeatureID) {
        guard units > 0, blocks > 0 else { return }
        densities.withLock { $0[feature] = Double(units) / Double(blocks) }
    }

    /// In how many blocks there are so many units of a feature to hand out, if they still lie as they did; one where nothing
    /// is known.
    func blocks(for units: Int, of feature: FeatureID) -> Int {
        guard let density = densities.withLock({ $0[feature] }) else { return 1 }
        return max(1, Int((Double(units) / density).rounded(.up)))
    }

    /// Forgets a claim that has ended.
    func forget(_ claim: Int64) {
        state.withLock { $0.remove(claim) }
    }
}
