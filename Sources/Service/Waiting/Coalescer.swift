// Small requests of a kind, carried out together.

import Synchronization

/// Lets small requests that come while one of their kind is being carried out wait for it, and then carries them out
/// together: what a transaction costs by itself, they share.
///
/// There is no delay: a request that comes alone is carried out at once. Whoever waits first carries out the next ones for
/// all who wait by then.
final class Coalescer<Kind: Hashable & Sendable, Request: Sendable, Outcome: Sendable>: Sendable {
    /// Carries out requests; answers an outcome for each.
    typealias Work = @Sendable ([Request]) async throws(ServiceError) -> [Outcome]

    /// How the wait of a request ends.
    private enum End: Sendable {
        /// It was carried out by another.
        case done(Result<Outcome, ServiceError>)
        /// It is to carry out these, itself the first of them.
        case lead([Member])
    }

    private struct Member: Sendable {
        let number: UInt64
        let request: Request
        let continuation: CheckedContinuation<End, Never>
    }

    private struct Lines {
        /// Those who wait for one that is being carried out; no entry of a kind where none is.
        var waiting: [Kind: [Member]] = [:]
        var next: UInt64 = 0
        /// Those who gave up before they had begun to wait.
        var cancelled: Set<UInt64> = []
    }

    private let lines = Mutex(Lines())
    private let most: Int

    /// - Parameter most: how many requests are carried out together at most.
    init(most: Int) {
        self.most = most
    }

    /// Whether some request is being carried out.
    var isBusy: Bool { lines.withLock { !$0.waiting.isEmpty } }

    /// How many wait.
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

    /// Nil where none of the kind is being carried out: now the caller's is. Otherwise the number to wait by.
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
            // Whoever led may have left meanwhile.
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
        member?.continuation.resume(returning: .done(.failure(.cancelled)))
    }

    /// Carries out the requests of all of them, and lets the next ones be carried out.
    private func lead(
        _ members: [Member], _ request: Request, _ kind: Kind, _ work: @escaping Work
    ) async throws(ServiceError) -> Outcome {
        let requests = [request] + members.map(\.request)
        let result: Result<[Outcome], ServiceError>
        if members.isEmpty {
            result = await Self.result(of: work, requests)
        } else {
            // That its own caller goes away must not end what is done for the others.
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

    /// Lets the first of those who wait carry out as many as go together.
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
