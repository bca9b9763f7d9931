// Recomputes features the slow way and compares with the incremental state.

public import Feature
import Store

/// A fault of the incremental state.
public struct VerifyMismatch: Hashable, Sendable {
    /// The feature.
    public let feature: FeatureKey
    /// The names of its id columns.
    public let columns: [String]
    /// The record; nil for a fault of the feature as a whole.
    public let key: RecordKey?
    /// The fault, for people.
    public let detail: String
}

/// The result of a verification.
public struct VerifyOutcome: Sendable {
    /// How many records were judged.
    public var checked = 0
    /// The faults, at most `TransactionLimits.faultsMax`.
    public var mismatches: [VerifyMismatch] = []
    /// How many faults there are in all.
    public var mismatchCount = 0
}

extension OperationService {
    /// Judges every record of a feature, or of all features, and compares the results with the work and presence bitmaps.
    ///
    /// The database judges in SQL and returns only faults. For projects with a digest that it lacks, the inputs are streamed
    /// through the server. Each range of record ids is checked in a transaction of its own, as of one moment. No other
    /// transaction waits, and no old snapshot stays open. A cancelled call stops the running statement.
    ///
    /// - Throws: `.featureNotFound`, `.unavailable`, `.cancelled`.
    /// - Complexity: O(records), a transaction for each `TransactionLimits.verifyRangeMax` record ids; memory for one range.
    public func verify(_ feature: FeatureKey?) async throws(ServiceError) -> VerifyOutcome {
        try await verify(feature, comparingEvery: TransactionLimits.verifyComparedStride)
    }

    /// Like `verify`, and compares the database's judgement of one unit in `stride` with this process's judgement of it.
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
    /// One check of a feature.
    private enum Step {
        /// The units of a feature.
        case units
        /// The links of a dep's upstream records to units.
        case links(dep: Int)
        /// The records of an expansion.
        case children

        /// The check; nil where a push removed its feature or dep.
        func check(of key: FeatureKey, _ transaction: ServiceTransaction, stride: Int) throws(StoreError) -> RangeCheck?
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
    private var steps: [(feature: FeatureKey, step: Step)] = []
    /// The record id at which the last of `steps` continues.
    private var next: RecordID = 0
    private(set) var outcome = VerifyOutcome()

    var isFinished: Bool { steps.isEmpty }

    init(_ transaction: ServiceTransaction, _ feature: FeatureKey?, stride: Int) throws(ServiceError) {
        self.stride = stride
        let keys =
            try feature.map { (key) throws(ServiceError) in [try transaction.plan(key).key] }
            ?? transaction.visible.features
        for key in keys.reversed() {
            guard let plan = transaction.catalog.units(of: key) else { continue }
            if plan.children != nil { steps.append((key, .children)) }
            steps += plan.deps.indices.map { (key, .links(dep: $0)) }
            steps.append((key, .units))
        }
    }

    /// Checks as many record ids as one transaction may.
    mutating func proceed(_ transaction: ServiceTransaction) throws(ServiceError) {
        var budget = RecordID(TransactionLimits.verifyRangeMax)
        while budget > 0, let current = steps.last {
            let check = try stored { [stride] () throws(StoreError) in
                try current.step.check(of: current.feature, transaction, stride: stride)
            }
            guard let check, next <= check.last else {
                steps.removeLast()
                next = 0
                continue
            }
            // Ranges begin and end between blocks.
            let end = min(next + RecordID(check.step), (check.last | 1023) + 1)
            let range = next..<end
            let found = try stored { () throws(StoreError) in try check.run(range) }
            outcome.checked += found.checked
            outcome.mismatchCount += found.wrong.count
            let shown = found.wrong.prefix(TransactionLimits.faultsMax - outcome.mismatches.count)
            outcome.mismatches += try stored { () throws(StoreError) in try check.describe(Array(shown)) }
            budget -= end - next
            next = end
        }
    }
}
