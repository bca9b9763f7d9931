// Small claims for the same work, made together.

import Feature
import Synchronization

/// Lets claims of a few units that come while one like them is being made wait for it, and then makes them together: one
/// transaction judges as many units as they all want and hands each its own.
///
/// There is no delay: a claim that comes alone is made at once. Whoever waits first makes the next ones for all who wait
/// by then.
final class SmallClaims: Sendable {
    /// What has to be the same for claims to be made together.
    struct Kind: Hashable, Sendable {
        let feature: FeatureID
        let taste: Taste
        let reach: Reach
    }

    /// How the wait of a claim ends.
    private enum End: Sendable {
        /// It was made by another.
        case made(Result<ClaimOutcome, ServiceError>)
        /// It is to make these, itself the first of them.
        case lead([Member])
    }

    private struct Member: Sendable {
        let number: UInt64
        let request: ClaimRequest
        let continuation: CheckedContinuation<End, Never>
    }

    private struct Lines {
        /// Those who wait for a claim that is being made; none of a kind where nobody makes one.
        var waiting: [Kind: [Member]] = [:]
        var next: UInt64 = 0
        /// Those who gave up before they had begun to wait.
        var cancelled: Set<UInt64> = []
    }

    private let lines = Mutex(Lines())

    /// How many wait.
    var count: Int { lines.withLock { $0.waiting.values.reduce(0) { $0 + $1.count } } }

    /// Whether a claim is one that is worth bringing together with others, and may be.
    static func takes(_ request: ClaimRequest) -> Bool {
        request.limit <= Limits.smallClaimUnitsMax && request.secondsMax == nil && request.filters.isEmpty
            && Once.current == nil
    }

    /// Makes a claim, with others where there are some.
    ///
    /// - Parameter make: makes claims in one transaction; answers an outcome for each.
    /// - Throws: what `make` throws; `.cancelled`.
    func claim(
        _ request: ClaimRequest, _ kind: Kind,
        make: @escaping @Sendable ([ClaimRequest]) async throws(ServiceError) -> [ClaimOutcome]
    ) async throws(ServiceError) -> ClaimOutcome {
        guard let number = enter(kind) else { return try await lead([], request, kind, make) }
        let end = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                wait(Member(number: number, request: request, continuation: continuation), kind)
            }
        } onCancel: {
            giveUp(number, kind)
        }
        _ = lines.withLock { $0.cancelled.remove(number) }
        switch end {
        case .made(let result): return try result.get()
        case .lead(let members): return try await lead(Array(members.dropFirst()), request, kind, make)
        }
    }

    /// Nil where nobody makes a claim of the kind: now the caller does. Otherwise the number to wait by.
    private func enter(_ kind: Kind) -> UInt64? {
        lines.withLock { lines in
            guard lines.waiting[kind] != nil else {
                lines.waiting[kind] = []
                return nil
            }
            lines.next += 1
            return lines.next
        }
    }

    private func wait(_ member: Member, _ kind: Kind) {
        let end: End? = lines.withLock { lines in
            if lines.cancelled.remove(member.number) != nil { return .made(.failure(.cancelled)) }
            // Whoever made one may have left meanwhile.
            guard lines.waiting[kind] != nil else {
                lines.waiting[kind] = []
                return .lead([member])
            }
            lines.waiting[kind]?.append(member)
            return nil
        }
        if let end { member.continuation.resume(returning: end) }
    }

    private func giveUp(_ number: UInt64, _ kind: Kind) {
        let member: Member? = lines.withLock { lines in
            guard let place = lines.waiting[kind]?.firstIndex(where: { $0.number == number }) else {
                lines.cancelled.insert(number)
                return nil
            }
            return lines.waiting[kind]?.remove(at: place)
        }
        member?.continuation.resume(returning: .made(.failure(.cancelled)))
    }

    /// Makes the claims of all of them, and lets the next ones be made.
    private func lead(
        _ members: [Member], _ request: ClaimRequest, _ kind: Kind,
        _ make: @escaping @Sendable ([ClaimRequest]) async throws(ServiceError) -> [ClaimOutcome]
    ) async throws(ServiceError) -> ClaimOutcome {
        let requests = [request] + members.map(\.request)
        let result: Result<[ClaimOutcome], ServiceError>
        if members.isEmpty {
            result = await Self.result(of: make, requests)
        } else {
            // That its own caller goes away must not end what is made for the others.
            result = await Task { await Self.result(of: make, requests) }.value
        }
        handOver(kind)
        switch result {
        case .success(let outcomes):
            for (member, outcome) in zip(members, outcomes.dropFirst()) {
                member.continuation.resume(returning: .made(.success(outcome)))
            }
            return outcomes[0]
        case .failure(let error):
            for member in members { member.continuation.resume(returning: .made(.failure(error))) }
            throw error
        }
    }

    private static func result(
        of make: @Sendable ([ClaimRequest]) async throws(ServiceError) -> [ClaimOutcome], _ requests: [ClaimRequest]
    ) async -> Result<[ClaimOutcome], ServiceError> {
        do throws(ServiceError) { return .success(try await make(requests)) } catch { return .failure(error) }
    }

    /// Lets the first of those who wait make the claims of as many as go together.
    private func handOver(_ kind: Kind) {
        let members: [Member] = lines.withLock { lines in
            guard let waiting = lines.waiting[kind], !waiting.isEmpty else {
                lines.waiting[kind] = nil
                return []
            }
            let members = Array(waiting.prefix(Limits.smallClaimsTogetherMax))
            lines.waiting[kind] = Array(waiting.dropFirst(members.count))
            return members
        }
        members.first?.continuation.resume(returning: .lead(members))
    }
}
