// The feed of changes, for those who act on them, and the audit, for those who ask who did what.

public import Feature
import Postgres
public import Store

/// A change as it is told.
public struct ChangeEvent: Sendable {
    /// The change.
    public let change: StoredChange
    /// The project that it is about; nil for none.
    public let project: String?
    /// The feature that it is about; nil for none.
    public let feature: FeatureKey?
}

/// Where a reader of the feed wants to go on.
public enum FeedStart: Hashable, Sendable {
    /// With the oldest change that is told.
    case oldest
    /// With what comes from now on.
    case latest
    /// After a place that an answer named.
    case after(FeedPosition)
}

/// A part of the feed.
public struct ChangePage: Sendable {
    /// The changes, in the order in which they can be seen.
    public let events: [ChangeEvent]
    /// Where the feed goes on.
    public let next: FeedPosition
    /// When the last change that is no longer told was made, in microseconds since 1970; nil where all are told.
    public let horizon: Int64?
}

extension HistoryService {
    /// What is told of tokens is for administrators.
    private static let hiddenKinds: [ChangeKind] = [.tokenCreated, .tokenRotated, .tokenRevoked]

    /// Changes from a place in the feed on, waiting for some where there are none.
    ///
    /// No change is skipped and none is told twice, whatever commits meanwhile: the feed ends below the oldest
    /// transaction that still runs. A change is told when that has ended, which takes as long as the longest write. Nor
    /// is one skipped that is told no more: who asks for it is refused.
    ///
    /// - Parameters:
    ///   - limit: 1...`Limits.pageRowsMax`.
    ///   - wait: how long to wait for a change: up to `Limits.waitSecondsMax`.
    /// - Throws: `.placeForgotten` where changes after that place are told no more; `.placeUnknown` where the feed has
    ///   not come to it; `.unavailable`, `.cancelled`.
    /// - Complexity: three round trips, and again after each wake-up; O(changes since).
    public func changes(
        from start: FeedStart, limit: Int, wait: Duration
    ) async throws(ServiceError) -> ChangePage {
        let deadline = ContinuousClock.now + wait
        let number = readers.enter()
        let demand = ClaimDemand(features: [], limit: 1, conditions: ClaimConditions())
        var place = start
        while true {
            let mark = readers.mark([])
            let page = try await transactions.read { [place] (transaction) throws(ServiceError) in
                try transaction.changes(from: place, limit: limit, hiding: Self.hiddenKinds)
            }
            let left = deadline - ContinuousClock.now
            guard page.events.isEmpty, left > .zero, !draining.isOn else { return page }
            place = .after(page.next)
            _ = await readers.wait(number, for: demand, since: mark, timeout: left)
            if Task.isCancelled { throw .cancelled }
        }
    }

    /// Changes of every kind, newest first.
    ///
    /// - Parameters:
    ///   - before: the last number of the page before; `.max` for the first page.
    ///   - limit: 1...`Limits.pageRowsMax`.
    /// - Throws: `.unavailable`.
    /// - Complexity: two round trips; O(limit).
    public func audit(before: Int64, limit: Int) async throws(ServiceError) -> [ChangeEvent] {
        try await transactions.read { (transaction) throws(ServiceError) in
            let changes = try stored { () throws(StoreError) in
                try ChangeLog(transaction.connection).newest(before: before, limit: limit)
            }
            return changes.map(transaction.event)
        }
    }

    /// Wakes those who wait for changes, where other processes have made some, and notes which features have nothing
    /// left to do. Every process does it about once a second.
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
            try stored { () throws(StoreError) in try connection.noteDrained() }
        }
        if isNoted { readers.wakeAll() }
    }
}

extension ServiceTransaction {
    fileprivate func changes(
        from start: FeedStart, limit: Int, hiding hidden: [ChangeKind]
    ) throws(ServiceError) -> ChangePage {
        let log = ChangeLog(connection)
        let extent = try stored { () throws(StoreError) in try log.extent() }
        let after: FeedPosition
        switch start {
        case .oldest: after = extent.horizon
        case .latest: return ChangePage(events: [], next: extent.last, horizon: extent.horizonTime)
        case .after(let place): after = place
        }
        guard after >= extent.horizon else { throw .placeForgotten(horizon: extent.horizonTime) }
        guard after.position <= extent.bound else { throw .placeUnknown }
        let projects = visibleProjects.projects.map { names in names.compactMap { catalog.projects[$0]?.id } }
        let changes = try stored { () throws(StoreError) in
            try log.changes(
                after: after, before: extent.bound, features: visibleUnits, projects: projects, hiding: hidden,
                limit: limit)
        }
        let last = changes.last.map { FeedPosition(position: $0.position, id: $0.id) }
        let isMore = changes.count == limit
        // What is below the end was looked at, wanted or not.
        let next = isMore ? last ?? after : max(after, extent.last)
        return ChangePage(events: changes.map(event), next: next, horizon: extent.horizonTime)
    }

    fileprivate func event(_ change: StoredChange) -> ChangeEvent {
        let feature = change.feature.map { key($0) }
        let owner = feature.flatMap { catalog.stored[$0]?.project } ?? change.project
        return ChangeEvent(
            change: change, project: catalog.projects.values.first { $0.id == owner }?.name, feature: feature)
    }
}

extension Connection {
    /// Notes each feature in which claims were reported and in which nothing is dirty or leased any more.
    ///
    /// - Returns: whether there was one.
    fileprivate func noteDrained() throws(StoreError) -> Bool {
        let drains = FinishedFeatures(self)
        guard try drains.enter() else { return false }
        let state = try drains.state()
        let log = ChangeLog(self)
        let changes = try log.changes(
            after: state.seen, before: try log.extent().bound, features: nil, projects: nil, hiding: [],
            limit: Limits.writeRowsStep)
        guard !changes.isEmpty || !state.features.isEmpty else { return false }
        let reported = changes.filter { $0.kind == ChangeKind.claimCompleted.rawValue }.compactMap(\.feature)
        let watched = Set(state.features).union(reported).sorted()
        let busy = watched.isEmpty ? [] : try drains.busy(among: watched)
        let idle = Set(watched).subtracting(busy).sorted()
        for feature in idle { try ChangeLog(self).begin(Writer(), LoggedChange(.drained, feature: feature)) }
        if !changes.isEmpty || !idle.isEmpty {
            let last = changes.last.map { FeedPosition(position: $0.position, id: $0.id) }
            try drains.keep(seen: last ?? state.seen, features: busy)
        }
        return !idle.isEmpty
    }
}
