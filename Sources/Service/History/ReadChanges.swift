// The feed of changes, for programs that act on them, and the audit log, newest first.

public import Feature
import Postgres
public import Store

/// A change as the feed reports it.
public struct ChangeEvent: Sendable {
    /// The change.
    public let change: StoredChange
    /// The project of the change; nil for none.
    public let project: String?
    /// The feature of the change; nil for none.
    public let feature: FeatureKey?
}

/// The position from which a reader continues the feed.
public enum FeedStart: Hashable, Sendable {
    /// Before the oldest change that the feed reports.
    case oldest
    /// After the latest change.
    case latest
    /// After a position from an earlier page.
    case after(FeedPosition)
}

/// A page of the feed.
public struct ChangePage: Sendable {
    /// The changes, in the order in which they can be seen.
    public let events: [ChangeEvent]
    /// The position after which the next page begins.
    public let next: FeedPosition
    /// The time of the last change that the feed no longer reports, in microseconds since 1970; nil where it reports all.
    public let horizon: Int64?
}

extension HistoryService {
    /// Changes of tokens are for administrators only.
    private static let hiddenKinds: [ChangeKind] = [.tokenCreated, .tokenRotated, .tokenRevoked]

    /// Changes after a position in the feed. Waits for a change where there is none.
    ///
    /// No change is skipped or reported twice, whatever commits meanwhile, because the feed ends below the oldest
    /// transaction that still runs. A change is reported once that transaction has ended, which takes as long as the
    /// longest write. A request for changes that the feed no longer reports is refused.
    ///
    /// - Parameters:
    ///   - limit: 1...`TransactionLimits.pageRowsMax`.
    ///   - wait: how long to wait for a change, up to `TransactionLimits.waitSecondsMax`.
    /// - Throws: `.placeForgotten` where the feed no longer reports changes after the position; `.placeUnknown` where the
    ///   feed has not reached it; `.unavailable`, `.cancelled`.
    /// - Complexity: three round trips, and again after each wake-up; O(changes since).
    public func changes(
        from start: FeedStart, limit: Int, wait: Duration
    ) async throws(ServiceError) -> ChangePage {
        let deadline = ContinuousClock.now + wait
        let number = readers.enter()
        let demand = ClaimDemand(features: [], limit: 1, conditions: ClaimConditions())
        var start = start
        while true {
            let mark = readers.mark([])
            let page = try await transactions.read { [start] (transaction) throws(ServiceError) in
                try ChangeFeed(transaction: transaction).page(from: start, limit: limit, hiding: Self.hiddenKinds)
            }
            let left = deadline - ContinuousClock.now
            guard page.events.isEmpty, left > .zero, !draining.isOn else { return page }
            start = .after(page.next)
            _ = await readers.wait(number, for: demand, since: mark, timeout: left)
            if Task.isCancelled { throw .cancelled }
        }
    }

    /// Changes of every kind, newest first.
    ///
    /// - Parameters:
    ///   - before: the last number of the page before; `.max` for the first page.
    ///   - limit: 1...`TransactionLimits.pageRowsMax`.
    /// - Throws: `.unavailable`.
    /// - Complexity: two round trips; O(limit).
    public func audit(before: Int64, limit: Int) async throws(ServiceError) -> [ChangeEvent] {
        try await transactions.read { (transaction) throws(ServiceError) in
            let changes = try stored { () throws(StoreError) in
                try ChangeLog(transaction.connection).newest(before: before, limit: limit)
            }
            return changes.map(ChangeFeed(transaction: transaction).event)
        }
    }

    /// Wakes tasks that wait for changes, where other processes have made some, and enters in the log which features have
    /// nothing left to do. Every process does this about once a second.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: three round trips where nothing has changed.
    public func followChanges() async throws(ServiceError) {
        if readers.count > 0 {
            let extent = try await transactions.read { (transaction) throws(ServiceError) in
                try stored { () throws(StoreError) in try ChangeLog(transaction.connection).extent() }
            }
            if readers.advance(to: extent.last.position) { readers.wakeAll() }
        }
        let isNoted = try await transactions.pool.transaction { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in try connection.noteFinishedFeatures() }
        }
        if isNoted { readers.wakeAll() }
    }
}

/// The feed of changes as a caller sees it.
private struct ChangeFeed {
    let transaction: ServiceTransaction

    func page(
        from start: FeedStart, limit: Int, hiding hidden: [ChangeKind]
    ) throws(ServiceError) -> ChangePage {
        let log = ChangeLog(transaction.connection)
        let visible = transaction.visible
        let extent = try stored { () throws(StoreError) in try log.extent() }
        let after: FeedPosition
        switch start {
        case .oldest: after = extent.horizon
        case .latest: return ChangePage(events: [], next: extent.last, horizon: extent.horizonTime)
        case .after(let position): after = position
        }
        guard after >= extent.horizon else { throw .placeForgotten(horizon: extent.horizonTime) }
        guard after.position <= extent.bound else { throw .placeUnknown }
        let projects = visible.projects.projects.map { names in names.compactMap { visible.catalog.projects[$0]?.id } }
        let changes = try stored { () throws(StoreError) in
            try log.changes(
                after: after, before: extent.bound, features: visible.units, projects: projects, hiding: hidden,
                limit: limit)
        }
        let last = changes.last.map { FeedPosition(position: $0.position, id: $0.id) }
        let isMore = changes.count == limit
        // Every change below the end of the extent was considered.
        let next = isMore ? last ?? after : max(after, extent.last)
        return ChangePage(events: changes.map(event), next: next, horizon: extent.horizonTime)
    }

    func event(_ change: StoredChange) -> ChangeEvent {
        let catalog = transaction.catalog
        let feature = change.feature.map { catalog.key(of: $0) }
        let owner = feature.flatMap { catalog.stored[$0]?.project } ?? change.project
        return ChangeEvent(
            change: change, project: catalog.projects.values.first { $0.id == owner }?.name, feature: feature)
    }
}

extension Connection {
    /// Enters in the log each feature whose claims were reported and of which no unit is dirty or leased any more.
    ///
    /// - Returns: whether there was one.
    fileprivate func noteFinishedFeatures() throws(StoreError) -> Bool {
        let finished = FinishedFeatures(self)
        guard try finished.enter() else { return false }
        let state = try finished.state()
        let log = ChangeLog(self)
        let changes = try log.changes(
            after: state.seen, before: try log.extent().bound, features: nil, projects: nil, hiding: [],
            limit: TransactionLimits.writeRowsStep)
        guard !changes.isEmpty || !state.features.isEmpty else { return false }
        let reported = changes.filter { $0.kind == ChangeKind.claimCompleted.rawValue }.compactMap(\.feature)
        let watched = Set(state.features).union(reported).sorted()
        let busy = watched.isEmpty ? [] : try finished.busy(among: watched)
        let idle = Set(watched).subtracting(busy).sorted()
        for feature in idle { try ChangeLog(self).begin(Writer(), LoggedChange(.drained, feature: feature)) }
        if !changes.isEmpty || !idle.isEmpty {
            let last = changes.last.map { FeedPosition(position: $0.position, id: $0.id) }
            try finished.keep(seen: last ?? state.seen, features: busy)
        }
        return !idle.isEmpty
    }
}
