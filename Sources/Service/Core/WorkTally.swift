// What transactions have done to the records of each feature, counted for metrics.

import Feature
import Synchronization

/// Something that happened to records, units or claims of a feature.
public enum WorkEvent: String, Sendable, Hashable, CaseIterable {
    /// A record was written that did not exist.
    case new
    /// A record was written that differed from what was stored.
    case changed
    /// A record was written that was stored already: nothing downstream has to do anything.
    case unchanged
    /// A worker reported the result of a unit.
    case computed
    /// A worker reported that a unit could not be computed.
    case failed
    /// An upstream record changed in nothing that the feature uses: its unit was not even looked at.
    case unusedFields
    /// A unit that might have needed work was found to be as it should be.
    case asExpected
    /// A unit got an earlier version back instead of being computed again.
    case earlierVersion
    /// A claim was handed out.
    case claimed
    /// A claim's lease ran out, and what was left of it was taken back.
    case expired
}

/// How often each thing has happened, by feature. Of one transaction, or of a process since its start.
struct WorkTally: Sendable {
    private(set) var counts: [FeatureID: [WorkEvent: Int]] = [:]

    /// Counts something that happened `count` times.
    mutating func add(_ event: WorkEvent, _ count: Int = 1, of feature: FeatureID) {
        guard count > 0 else { return }
        counts[feature, default: [:]][event, default: 0] += count
    }

    /// Counts what a write did.
    mutating func add(_ outcome: WriteOutcome, of feature: FeatureID) {
        add(.new, outcome.new, of: feature)
        add(.changed, outcome.changed, of: feature)
        add(.unchanged, outcome.unchanged, of: feature)
    }

    /// Counts all that another has counted.
    mutating func add(_ other: WorkTally) {
        for (feature, events) in other.counts {
            counts[feature, default: [:]].merge(events) { $0 + $1 }
        }
    }
}

/// The tally of a process: what its committed transactions did.
final class WorkTallies: Sendable {
    private let total = Mutex(WorkTally())

    /// All so far.
    var sum: WorkTally { total.withLock { $0 } }

    /// Counts what a transaction did that has just been committed.
    func add(_ tally: WorkTally) {
        guard !tally.counts.isEmpty else { return }
        total.withLock { $0.add(tally) }
    }
}
