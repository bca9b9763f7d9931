// Recomputes features the slow way and compares with the incremental state.

public import Feature
import Store

/// Something that the incremental state has wrong.
public struct VerifyMismatch: Hashable, Sendable {
    /// The feature.
    public let feature: FeatureKey
    /// The names of its id columns.
    public let columns: [String]
    /// The record; nil where it is the feature as a whole.
    public let key: RecordKey?
    /// What it is.
    public let detail: String
}

/// What a verification found.
public struct VerifyOutcome: Sendable {
    /// How many records were judged.
    public var checked = 0
    /// What is wrong, at most `Limits.faultsMax`.
    public var mismatches: [VerifyMismatch] = []
    /// How many are wrong in all.
    public var mismatchCount = 0
}

extension OperationService {
    /// Judges every record of a feature, or of all, and compares with the work and presence bitmaps.
    ///
    /// The database judges, in SQL, and only what is amiss leaves it; of projects whose digest it does not have, the
    /// inputs are streamed through the server. Each range of record ids is seen as of one moment, by a transaction of its
    /// own: what is compared holds at every moment, nobody waits, and no old snapshot is kept open. A cancelled call
    /// stops the statement that runs.
    ///
    /// - Throws: `.featureNotFound`, `.unavailable`, `.cancelled`.
    /// - Complexity: O(records), a transaction for each `Limits.verifyRangeMax` record ids; memory for one range.
    public func verify(_ feature: FeatureKey?) async throws(ServiceError) -> VerifyOutcome {
        try await verify(feature, comparingEvery: Limits.verifyComparedStride)
    }

    /// Like `verify`, holding what the database makes of every `stride`-th unit against what this process makes of it.
    ///
    /// - Parameter stride: 1 for all units.
    /// - Throws: `.featureNotFound`, `.unavailable`, `.cancelled`.
    /// - Complexity: that of `verify`, and of judging the units in process.
    public func verify(
        _ feature: FeatureKey?, comparingEvery stride: Int
    ) async throws(ServiceError) -> VerifyOutcome {
        var verification = try await transactions.read { (transaction) throws(ServiceError) in
            try Verification(transaction, feature, stride: stride)
        }
        while !verification.isFinished {
            verification = try await transactions.read { [verification] (transaction) throws(ServiceError) in
                var verification = verification
                try verification.proceed(transaction)
                return verification
            }
        }
        return verification.outcome
    }
}

/// A verification under way, which goes on from transaction to transaction.
private struct Verification: Sendable {
    /// What is looked through by record id.
    private enum Part {
        /// The units of a feature.
        case units
        /// What says which unit the records of a dep's upstream belong to.
        case links(dep: Int)
        /// The records of an expansion.
        case children

        /// Nil where a push took away what was to be looked through.
        func audit(of key: FeatureKey, _ transaction: ServiceTransaction, stride: Int) throws(StoreError) -> RangeCheck?
        {
            guard let plan = transaction.catalog.units(of: key) else { return nil }
            switch self {
            case .units: return try .units(transaction, plan, stride: stride)
            case .links(let dep): return try .links(transaction, plan, dep: dep)
            case .children: return try .children(transaction, plan)
            }
        }
    }

    private let stride: Int
    private var parts: [(feature: FeatureKey, part: Part)] = []
    /// Where the first of `parts` goes on.
    private var next: RecordID = 0
    private(set) var outcome = VerifyOutcome()

    var isFinished: Bool { parts.isEmpty }

    init(_ transaction: ServiceTransaction, _ feature: FeatureKey?, stride: Int) throws(ServiceError) {
        self.stride = stride
        let keys =
            try feature.map { (key) throws(ServiceError) in [try transaction.plan(key).key] } ?? transaction.visible
        for key in keys.reversed() {
            guard let plan = transaction.catalog.units(of: key) else { continue }
            if plan.children != nil { parts.append((key, .children)) }
            parts += plan.deps.indices.map { (key, .links(dep: $0)) }
            parts.append((key, .units))
        }
    }

    /// Looks through as many record ids as one transaction may.
    mutating func proceed(_ transaction: ServiceTransaction) throws(ServiceError) {
        var budget = RecordID(Limits.verifyRangeMax)
        while budget > 0, let current = parts.last {
            let audit = try stored { [stride] () throws(StoreError) in
                try current.part.audit(of: current.feature, transaction, stride: stride)
            }
            guard let audit, next <= audit.last else {
                parts.removeLast()
                next = 0
                continue
            }
            // Ranges begin and end between blocks.
            let end = min(next + RecordID(audit.step), (audit.last | 1023) + 1)
            let range = next..<end
            let found = try stored { () throws(StoreError) in try audit.run(range) }
            outcome.checked += found.checked
            outcome.mismatchCount += found.wrong.count
            let shown = found.wrong.prefix(Limits.faultsMax - outcome.mismatches.count)
            outcome.mismatches += try stored { () throws(StoreError) in try audit.describe(Array(shown)) }
            budget -= end - next
            next = end
        }
    }
}
