// The units of the latest claims, in the memory of the process that made them.

import Feature
import Postgres
import Store
import Synchronization

/// The units that were handed out with a claim.
struct HandedOut: Sendable {
    /// Its units.
    let units: ClaimUnits
    /// The encoded keys of the units, in their order.
    let keys: ByteColumn

    /// The approximate size in bytes.
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
        /// Claims in the order in which they were added. Some of them are removed by now.
        var order: [Int64] = []
        /// The index in `order` of the oldest one.
        var first = 0
        var size = 0

        mutating func remove(_ claim: Int64) {
            if let entry = entries.removeValue(forKey: claim) { size -= entry.handedOut.size }
        }

        /// Removes claims from the order that have no entry, once they are most of it.
        mutating func compact() {
            guard order.count > 2 * entries.count + 64 else { return }
            order = order[first...].filter { entries[$0] != nil }
            first = 0
        }
    }

    private let state = Mutex(State())
    /// For each feature, the number of ready units in a block that has some, as the last claim found it.
    private let densities = Mutex<[FeatureID: Double]>([:])

    /// The approximate size of all entries in bytes.
    var size: Int { state.withLock { $0.size } }

    /// Adds a committed claim, and removes the oldest ones where there is no room.
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

    /// The units of a claim; nil where they are not in memory.
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

    /// The number of blocks that probably have so many ready units of a feature; 1 where nothing is known.
    func blocks(for units: Int, of feature: FeatureID) -> Int {
        guard let density = densities.withLock({ $0[feature] }) else { return 1 }
        return max(1, Int((Double(units) / density).rounded(.up)))
    }

    /// Removes a claim that has ended.
    func forget(_ claim: Int64) {
        state.withLock { $0.remove(claim) }
    }
}
