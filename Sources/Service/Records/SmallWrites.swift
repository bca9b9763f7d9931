// Writes of a few rows to a root, carried out together.

import Feature
import Postgres
import Store

/// A write to a root, all of it in one part.
struct RootWrite: Sendable {
    /// Its rows, each of another record.
    let part: RecordPart
    /// The writer.
    let writer: Writer

    /// Whether it is worth carrying out together with others, and may be.
    var isSmall: Bool { part.count <= TransactionLimits.smallWriteRowsMax && IdempotentRequest.current == nil }
}

/// What has to be the same for small writes to be carried out together.
struct SmallWriteKind: Hashable, Sendable {
    let feature: FeatureID
    let definition: DefinitionID
    let visibleProjects: VisibleProjects
}

extension RootService {
    /// Carries out a write; small ones together with others that come meanwhile.
    ///
    /// - Throws: `.featureNotFound`; `.conflict` where the feature was redefined since the rows were read; `.unavailable`.
    /// - Complexity: about five round trips, which writes that are carried out together share.
    func write(_ write: RootWrite) async throws(ServiceError) -> WriteOutcome {
        guard write.isSmall else { return try await commit([write])[0] }
        let shape = write.part.shape
        let kind = SmallWriteKind(
            feature: shape.feature, definition: shape.definition, visibleProjects: transactions.visibleProjects)
        let result = try await smallWrites.run(write, kind) { (writes) async throws(ServiceError) in
            await commitEach(writes)
        }
        return try result.get()
    }

    /// Carries out writes to one root, in as few transactions as there are of them for the same record: later ones find
    /// what earlier ones wrote.
    private func commitEach(_ writes: [RootWrite]) async -> [Result<WriteOutcome, ServiceError>] {
        var results: [Int: Result<WriteOutcome, ServiceError>] = [:]
        var rest = Array(writes.indices)
        while !rest.isEmpty {
            let together = Self.disjoint(rest, writes)
            rest.removeAll { together.contains($0) }
            let outcomes = await commitTogether(together.map { writes[$0] })
            for (index, outcome) in zip(together, outcomes) { results[index] = outcome }
        }
        return writes.indices.map { results[$0] ?? .failure(.internal("a write was left out")) }
    }

    /// Those of some writes, in their order, that have no record in common with an earlier one.
    private static func disjoint(_ open: [Int], _ writes: [RootWrite]) -> [Int] {
        guard open.count > 1 else { return open }
        var seen: Set<ArraySlice<UInt8>> = []
        return open.filter { index in
            let keys = writes[index].part.keys
            let own = (0..<keys.count).map { keys[$0] ?? [] }
            let isFree = own.allSatisfy { !seen.contains($0) }
            // Also where it is not: whoever comes after it must not overtake it.
            seen.formUnion(own)
            return isFree
        }
    }

    /// Carries out writes without a record in common in one transaction. The failure of one must not be reported to the
    /// others: where the transaction fails for another reason than the database's absence, each gets its own.
    private func commitTogether(_ writes: [RootWrite]) async -> [Result<WriteOutcome, ServiceError>] {
        do throws(ServiceError) {
            return try await commit(writes).map { .success($0) }
        } catch {
            if case .unavailable = error { return writes.map { _ in .failure(error) } }
            guard writes.count > 1 else { return [.failure(error)] }
        }
        var results: [Result<WriteOutcome, ServiceError>] = []
        for write in writes {
            do throws(ServiceError) { results.append(.success(try await commit([write])[0])) } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    /// One transaction.
    private func commit(_ writes: [RootWrite]) async throws(ServiceError) -> [WriteOutcome] {
        var part = writes[0].part
        for write in writes.dropFirst() { part.append(contentsOf: write.part) }
        var rows = try await identify(part)
        if writes.count > 1 {
            rows.owners = writes.indices.flatMap { Array(repeating: $0, count: writes[$0].part.count) }
        }
        let (shape, writers) = (part.shape, writes.map(\.writer))
        return try await transactions.change { [rows] (transaction) throws(ServiceError) in
            var writing = try RootWriting(shape, writers, isAlone: false, &transaction)
            try writing.write(rows, &transaction)
            return try writing.finish(&transaction)
        }
    }
}
