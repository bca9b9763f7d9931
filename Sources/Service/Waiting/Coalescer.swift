// Small requests of a kind, carried out together.

import Synchronization

/// Carries out small requests of one kind together, so that they share the cost of a transaction.
///
/// A request that comes alone is carried out at once. Requests that come meanwhile wait, and the first of them then carries
/// out all that wait by that time.
final class Coalescer<Kind: Hashable & Sendable, Request: Sendable, Outcome: Sendable>: Sendable {
    /// Carries out requests and returns an outcome for each.
    typealias Work = @Sendable ([Request]) async throws(ServiceError) -> [Outcome]

    /// How the wait of a request ends.
    private enum End: Sendable {
        /// Another request has carried it out.
        case done(Result<Outcome, ServiceError>)
        /// It carries out these requests. It is the first of them.
        case lead([Member])
    }

    private struct Member: Sendable {
        let number: UInt64
        let request: Request
        let continuation: CheckedContinuation<End, Never>
    }

    private struct Lines {
        /// The waiting requests by kind. A kind has an entry while one of its requests is being carried out.
        var waiting: [Kind: [Member]] = [:]
        var next: UInt64 = 0
        /// Requests that were cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
    }

    private let lines = Mutex(Lines())
    private let most: Int

    /// - Parameter most: the greatest number of requests that are carried out together.
    init(most: Int) {
        self.most = most
    }

    /// Whether some request is being carried out.
    var isBusy: Bool { lines.withLock { !$0.waiting.isEmpty } }

    /// How many requests wait.
    var count: Int { lines.withLock { $0.waiting.values.reduce(0) { $0 + $1.count } } }

    /// Carries out a request, with others where there are some.
    ///
    /// - Throws: what `work` throws; `.cancelled`.
    func run(_ request: Request, _ kind: Kind, _ work: @escaping Work) async throws(ServiceError) -> Outcome {
        guard let number = enter(kind) else { return try await lead([], request, kind, work) }
        let end = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                wait(Member(number: number, request: request, continuation: continuation), kind)
            }
        } onCancel: {
            giveUp(number, kind)
        }
        _ = lines.withLock { $0.cancelled.remove(number) }
        switch end {
        case .done(let result): return try result.get()
        case .lead(let members): return try await lead(Array(members.dropFirst()), request, kind, work)
        }
    }

    /// The number to wait by; nil where no request of the kind is being carried out, so that the caller's request is next.
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
            if lines.cancelled.remove(member.number) != nil { return .done(.failure(.cancelled)) }
            // The request that led may have ended meanwhile.
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
            guard let index = lines.waiting[kind]?.firstIndex(where: { $0.number == number }) else {
                lines.cancelled.insert(number)
                return nil
            }
            return lines.waiting[kind]?.remove(at: index)
        }
        member?.continuation.resume(returning: .done(.failure(.cancelled)))
    }

    /// Carries out all these requests, and then lets the next ones begin.
    private func lead(
        _ members: [Member], _ request: Request, _ kind: Kind, _ work: @escaping Work
    ) async throws(ServiceError) -> Outcome {
        let requests = [request] + members.map(\.request)
        let result: Result<[Outcome], ServiceError>
        if members.isEmpty {
            result = await Self.result(of: work, requests)
        } else {
            // A cancelled caller must not cancel the work that is done for the others.
            result = await Task { await Self.result(of: work, requests) }.value
        }
        handOver(kind)
        switch result {
        case .success(let outcomes):
            for (member, outcome) in zip(members, outcomes.dropFirst()) {
                member.continuation.resume(returning: .done(.success(outcome)))
            }
            return outcomes[0]
        case .failure(let error):
            for member in members { member.continuation.resume(returning: .done(.failure(error))) }
            throw error
        }
    }

    private static func result(of work: Work, _ requests: [Request]) async -> Result<[Outcome], ServiceError> {
        do throws(ServiceError) { return .success(try await work(requests)) } catch { return .failure(error) }
    }

    /// Lets the first waiting request carry out as many as may go together.
    private func handOver(_ kind: Kind) {
        let members: [Member] = lines.withLock { lines in
            guard let waiting = lines.waiting[kind], !waiting.isEmpty else {
                lines.waiting[kind] = nil
                return []
            }
            let members = Array(waiting.prefix(most))
            lines.waiting[kind] = Array(waiting.dropFirst(members.count))
            return members
        }
        members.first?.continuation.resume(returning: .lead(members))
    }
}
