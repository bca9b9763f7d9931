// The outcome of one attempt at a claim.

import Feature
import Store

/// The outcome of one attempt at a claim.
struct ClaimOutcome: Sendable {
    /// Whether the attempt ended at once, because the registry changed after the feature was chosen.
    var isOutdated = false
    /// The batches in the order of the requests. The last requests may get none.
    var batches: [ClaimedBatch] = []
    /// How many of the requests were considered.
    var served = Int.max
    /// Units, of this feature or upstream, whose earlier version is the expected one.
    var revertible: [FeatureID: Set<RecordID>] = [:]
    /// Whether there was more to judge than one transaction may.
    var isUnfinished = false
    /// Whether units may be left for other claims.
    var isMore = false
    /// Whether another transaction held blocks with units to hand out.
    var isContended = false
    /// The block after which the search continues; nil for the first.
    var position: ReadyBlock?

    /// The batch of the first request.
    var batch: ClaimedBatch? { batches.first }

    /// An outcome for each of so many requests.
    func shared(among count: Int) -> [ClaimOutcome] {
        (0..<count).map { index in
            var outcome = self
            outcome.batches = index < batches.count ? [batches[index]] : []
            outcome.isMore = isMore || index >= served
            return outcome
        }
    }
}
