// Counts of what transactions have done to the records of each feature, for metrics.

import Feature
import Synchronization

/// Something that happened to records, units or claims of a feature.
public enum WorkEvent: String, Sendable, Hashable, CaseIterable {
    /// A record was written that did not exist.
    case new
    /// A record was written that differed from what was stored.
    case changed
    /// A record was written that equals the stored one, so that nothing downstream changes.
    case unchanged
    /// A worker reported the result of a unit.
    case computed
    /// A worker reported that a unit could not be computed.
    case failed
    /// An upstream record changed only in fields that the feature does not use, so that its unit was not marked.
    case unusedFields
    /// A candidate was judged and found up to date.
    case asExpected
    /// A unit got an earlier version back instead of being computed again.
    case earlierVersion
    /// A claim was handed out.
    case claimed
    /// A claim's lease ran out, and its remaining units were taken back.
    case expired
}

/// Counts of events by feature, for one transaction or for a process since its start.
struct WorkTally: Sendable {
    private(set) var counts: [FeatureID: [WorkEvent: Int]] = [:]

    /// Counts something that happened `count` times.
    mutating func add(_ event: WorkEvent, _ count: Int = 1, of feature: FeatureID) {
        guard count > 0 else { return }
        counts[feature, default: [:]][event, default: 0] += count
    }

    /// Adds the outcome of a write.
    mutating func add(_ outcome: WriteOutcome, of feature: FeatureID) {
        add(.new, outcome.new, of: feature)
        add(.changed, outcome.changed, of: feature)
        add(.unchanged, outcome.unchanged, of: feature)
    }

    /// Adds the counts of another tally.
    mutating func add(_ other: WorkTally) {
        for (feature, events) in other.counts {
            counts[feature, default: [:]].merge(events) { $0 + $1 }
        }
    }
}

/// The tally of a process: the sum of its committed transactions.
final class WorkTallies: Sendable {
    private let total = Mutex(WorkTally())

    /// The sum so far.
    var sum: WorkTally { total.withLock { $0 } }

    /// Adds the tally of a committed transaction.
    func add(_ tally: WorkTally) {
        guard !tally.counts.isEmpty else { return }
        total.withLock { $0.add(tally) }
    }
}
