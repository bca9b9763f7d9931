// Appends record versions that a client sends.

public import Feature
import Postgres
public import Store
import Synchronization

/// The outcome of a write.
public struct WriteOutcome: Hashable, Sendable {
    /// The feature version under which the rows were written.
    public let featureVersion: String
    /// Records that did not exist.
    public var new: Int
    /// Records of which a new version was appended.
    public var changed: Int
    /// Records that are already as sent: nothing was written for them.
    public var unchanged: Int

    /// The counts that the log of changes keeps.
    var detail: KeyValuePairs<String, Int> {
        ["written": new + changed, "new": new, "changed": changed, "unchanged": unchanged]
    }
}

/// The form of the rows that are written to a feature.
public struct RowShape: Hashable, Sendable {
    /// The feature's key.
    public let key: FeatureKey
    /// The names of its id columns, in the order of the spec.
    public let idColumns: [String]
    /// Whether rows must bring their versions.
    public let isRoot: Bool
    /// Its fields as `metaxy_provenance_by_field` names them, in the order of the spec.
    public let fields: [String]
    /// Its version.
    public let featureVersion: String
    let feature: FeatureID
    let definition: DefinitionID
    let space: Int32
    /// The slot of each field, and how many slots there are.
    let slots: [Slot]
    let slotCount: Int

    /// The form of the rows of a feature by its current definition.
    init(_ plan: FeaturePlan) {
        key = plan.key
        idColumns = plan.spec.idColumns
        isRoot = plan.isRoot
        fields = plan.fields.map(\.structKey)
        featureVersion = plan.featureVersion
        feature = plan.id
        definition = plan.definition
        space = plan.space
        slots = plan.fields.map(\.slot)
        slotCount = plan.slots
    }
}

extension RecordService {
    /// The form of the rows of a feature.
    ///
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: two round trips.
    public func shape(of key: FeatureKey) async throws(ServiceError) -> RowShape {
        try await transactions.read { (transaction) throws(ServiceError) in
            RowShape(try transaction.plan(key))
        }
    }

    /// What a feature asked of rows when this process last looked: nothing is asked of the database, and a write by it
    /// is refused where the feature was redefined since.
    ///
    /// - Returns: nil where no such feature is known.
    public func knownShape(of key: FeatureKey) -> RowShape? {
        transactions.catalogs.look { catalog in
            transactions.visibleProjects.sees(key, in: catalog) ? catalog.shapes[key] : nil
        }
    }

    /// Appends versions of records of a derived feature: all rows or none.
    ///
    /// A row that equals what is stored, under the current definition, writes nothing. A derived row without provenance
    /// gets that of the current upstream records.
    ///
    /// - Parameter shape: the form by which the rows were read.
    /// - Throws: `.featureNotFound`; `.invalid` naming each bad row; `.conflict` where the feature's id columns were
    ///   changed since `shape`, or where it is a root; `.unavailable`.
    /// - Complexity: about a dozen round trips for each `TransactionLimits.writeRowsStep` rows.
    public func write(
        _ rows: [RecordRow], shape: RowShape, writer: Writer
    ) async throws(ServiceError) -> WriteOutcome {
        let duplicates = duplicateFaults(rows)
        guard duplicates.isEmpty else { throw .invalid(duplicates) }
        return try await transactions.change { (transaction) throws(ServiceError) in
            let plan = try transaction.plan(shape.key)
            guard !plan.isRoot, plan.spec.idColumns == shape.idColumns else {
                throw .conflict("the feature \(shape.key) was redefined while the rows were read; send them again")
            }
            var writing = RecordWriting(plan)
            try writing.check(rows)
            let operation = try transaction.begin(writer, LoggedChange(.recordsWritten, feature: plan.id))
            let (records, units) = try writing.lock(rows, &transaction)
            for start in stride(from: 0, to: rows.count, by: TransactionLimits.writeRowsStep) {
                let part = start..<min(start + TransactionLimits.writeRowsStep, rows.count)
                try writing.write(
                    Array(rows[part]), Array(records[part]), units?.picking(Array(records[part])), operation: operation,
                    &transaction)
            }
            transaction.tally.add(writing.outcome, of: plan.id)
            try transaction.complete(operation, writing.outcome.detail)
            return writing.outcome
        }
    }
}

/// A write to a derived feature being carried out in one transaction.
private struct RecordWriting {
    private let plan: FeaturePlan
    private let slots: FieldSlots
    private(set) var outcome: WriteOutcome

    init(_ plan: FeaturePlan) {
        self.plan = plan
        slots = FieldSlots(plan)
        outcome = WriteOutcome(featureVersion: plan.featureVersion, new: 0, changed: 0, unchanged: 0)
    }

    /// Refuses rows whose versions do not name the feature's fields.
    func check(_ rows: [RecordRow]) throws(ServiceError) {
        var faults: [Fault] = []
        for row in rows { faults += slots.faults(row, isProvenanceComplete: true) }
        guard faults.isEmpty else { throw .invalid(faults) }
    }

    /// Gives the records their ids, and locks the blocks of all of them and of their units.
    func lock(
        _ rows: [RecordRow], _ transaction: inout ServiceTransaction
    ) throws(ServiceError) -> (records: [RecordID], units: ChildUnits?) {
        let (connection, plan) = (transaction.connection, plan)
        let records = try stored { () throws(StoreError) in
            try RecordIDTable(connection, space: plan.space).intern(rows.map(\.key))
        }
        let units = try ChildUnits(plan, rows.map(\.key), records, transaction)
        try transaction.lock(records, of: plan, with: units)
        return (records, units)
    }

    /// Writes rows whose blocks are locked.
    mutating func write(
        _ rows: [RecordRow], _ records: [RecordID], _ units: ChildUnits?, operation: Int64,
        _ transaction: inout ServiceTransaction
    ) throws(ServiceError) {
        let connection = transaction.connection
        let plan = plan
        let watched = transaction.catalog.watched(of: plan.id)
        let heads = try stored { () throws(StoreError) in
            try HeadTable(connection, feature: plan.id).compare(
                records, metadata: rows.map(\.metadata), watched: watched)
        }
        let versions = try versions(rows, records, units, transaction)
        var appended: [LineageVersion] = []
        var changes: [RecordChange] = []
        var appeared: [RecordID] = []
        for version in versions {
            let known = heads[version.record]
            if let known, isUnchanged(version, known) {
                outcome.unchanged += 1
                continue
            }
            if known?.head.isLive == true { outcome.changed += 1 } else { outcome.new += 1 }
            appended.append(version)
            if known?.head.isLive != true { appeared.append(version.record) }
            let change = RecordChange(
                version.record, from: known?.head, to: version.dataVersions ?? version.provenance,
                provenance: version.provenance, columns: known?.moved ?? [])
            if let change { changes.append(change) }
        }
        // Before its records, as where a unit is completed: what follows its version belongs to it.
        let doubtful = Set(zip(rows, records).filter { $0.0.provenance != nil }.map(\.1))
        try units?.follow(versions, doubtful: doubtful, operation: operation, &transaction)
        let access = try transaction.enter(plan)
        let fresh = Set(appeared.filter { heads[$0] == nil })
        transaction.presence.note(access, live: appeared, gone: [])
        try stored { [appended] () throws(StoreError) in
            try LineageAppend(connection, access).append(
                appended, fresh: fresh, definition: plan.definition, slots: plan.slots, operation: operation)
        }
        try transaction.propagate(changes, of: plan)
        if units == nil { settle(records, doubtful, &transaction) }
    }

    /// A record whose provenance was computed here, under the lock of its block, is up to date. A record that brought its own provenance is
    /// judged at the next resolve or claim.
    private func settle(_ records: [RecordID], _ doubtful: Set<RecordID>, _ transaction: inout ServiceTransaction) {
        transaction.ledger.update(records.filter { !doubtful.contains($0) }, of: plan.id) { $0.markUpToDate($1) }
        transaction.ledger.update(doubtful, of: plan.id) { $0.mark($1) }
    }

    private func isUnchanged(_ version: LineageVersion, _ known: ComparedHead) -> Bool {
        let head = known.head
        guard head.isLive, known.hasSameMetadata, head.definition == plan.definition else { return false }
        let data = version.dataVersions ?? version.provenance
        return plan.fields.map(\.slot).allSatisfy { slot in
            let index = Int(slot) - 1
            return head.provenance(at: slot) == version.provenance[index] && head.dataVersion(at: slot) == data[index]
        }
    }

    /// The rows as versions, in their order.
    private func versions(
        _ rows: [RecordRow], _ records: [RecordID], _ units: ChildUnits?, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [LineageVersion] {
        let expectations: [RecordID: Expectation]
        if let units {
            let expected = try expect(Set(units.units.values).sorted(), units.plan, transaction)
            expectations = units.units.compactMapValues { expected[$0] }
        } else {
            expectations = try expect(records, plan, transaction)
        }
        var versions: [LineageVersion] = []
        var faults: [Fault] = []
        for (row, record) in zip(rows, records) {
            let expectation = expectations[record]
            let expected = expectation?.provenance.compactMap { $0 } ?? []
            var provenance: [String?]?
            if let given = row.provenance {
                provenance = slots.spread(given)
            } else if expected.count == plan.fields.count {
                provenance = slots.spread(expected)
            }
            guard let provenance else {
                faults.append(
                    Fault(
                        row.place,
                        "the upstream records that this record is made from do not exist; write them first, or give"
                            + " metaxy_provenance_by_field"))
                continue
            }
            versions.append(
                LineageVersion(
                    record: record, kind: .written, provenance: provenance,
                    dataVersions: slots.dataVersions(row.dataVersions, over: provenance),
                    parents: expectation?.parents ?? [], metadata: row.metadata))
        }
        guard faults.isEmpty else { throw .invalid(faults) }
        return versions
    }

    private func expect(
        _ records: [RecordID], _ plan: FeaturePlan, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [RecordID: Expectation] {
        let evaluator = transaction.evaluator
        let inputs = try stored { () throws(StoreError) in try evaluator.inputs(plan, records) }
        var expecter = Expecter(plan)
        var expectations: [RecordID: Expectation] = [:]
        for (record, unitInputs) in inputs {
            if let expectation = expecter.expectation(of: unitInputs) { expectations[record] = expectation }
        }
        return expectations
    }
}
