// Takes in the results of a claim on an expansion: units, each with the records that it expands into.

public import Feature
public import Store

/// The result of one unit of an expansion.
public struct UnitResult: Hashable, Sendable {
    /// Its location in the request.
    public let place: Fault.Place
    /// The values of the unit's id columns, in the order of `ExpansionShape.idColumns`.
    public let key: RecordKey
    /// The records that it expands into, with all their id columns; none is a valid result.
    public let records: [RecordRow]

    /// The unit `key`, expanded into `records`.
    public init(place: Fault.Place, key: RecordKey, records: [RecordRow]) {
        self.place = place
        self.key = key
        self.records = records
    }
}

/// The columns that the results of a claim have.
public struct ClaimShape: Hashable, Sendable {
    /// The names of the units' id columns, in the order of the spec.
    public let idColumns: [String]
    /// The columns of an expansion; nil where the feature is none.
    public let expansion: ExpansionShape?
}

/// The columns that the results of a claim on an expansion have.
public struct ExpansionShape: Hashable, Sendable {
    /// The names of the units' id columns.
    public let idColumns: [String]
    /// The names of the id columns of the records that units expand into.
    public let recordColumns: [String]

    /// An expansion with these id columns.
    public init(idColumns: [String], recordColumns: [String]) {
        self.idColumns = idColumns
        self.recordColumns = recordColumns
    }
}

extension ClaimService {
    /// Stores results of a claim on an expansion. The given records replace all records of their unit.
    ///
    /// - Parameters:
    ///   - id: the claim.
    ///   - token: its fencing token.
    ///   - units: results, any part of the claim's units.
    ///   - seconds: the time that the units without a result so far took to compute; nil where it is unknown.
    ///   - writer: the caller, for the log of changes.
    /// - Returns: counts of units.
    /// - Throws: `.claimNotFound`; `.leaseLost`; `.invalid` for unknown or repeated ids, for records that are not of
    ///   their unit, and where the feature is no expansion; `.unavailable`.
    /// - Complexity: about thirty round trips; O(records), those replaced included.
    public func complete(
        claim id: Int64, token: Int64, units: [UnitResult], seconds: Double? = nil, writer: Writer
    ) async throws(ServiceError) -> CompletionOutcome {
        try await transactions.change { [memory] (transaction) throws(ServiceError) in
            let held = try HeldClaim(id, token: token, allowsFinished: true, transaction, memory)
            guard let children = held.plan.children else {
                throw .invalid([Fault(.pointer("/units"), "\(held.plan.key) is no expansion: report records")])
            }
            var faults = duplicateFaults(units.flatMap(\.records))
            for unit in units {
                for record in unit.records where record.key.reordered(children.places) != unit.key {
                    faults.append(Fault(record.place, "the record's ids are not those of its unit"))
                }
            }
            guard faults.isEmpty else { throw .invalid(faults) }
            let rows = units.map {
                RecordRow(
                    place: $0.place, key: $0.key, metadata: Array("{}".utf8), provenance: nil, dataVersions: nil)
            }
            let completion = try ClaimCompletion(held, writer, memory, transaction)
            return try completion.run(rows, children: units.map(\.records), seconds: seconds, &transaction)
        }
    }

    /// The columns that the results of a claim have.
    ///
    /// - Parameter id: the claim.
    /// - Returns: the columns.
    /// - Throws: `.claimNotFound`, `.leaseLost`, `.unavailable`.
    /// - Complexity: three round trips.
    public func shape(ofClaim id: Int64) async throws(ServiceError) -> ClaimShape {
        try await transactions.read { (transaction) throws(ServiceError) in
            let claim = try stored { () throws(StoreError) in try ClaimTable(transaction.connection).read(id) }
            guard let claim, transaction.visible.sees(claim.feature) else { throw .claimNotFound(id) }
            guard let plan = transaction.catalog[claim.feature] else {
                throw .leaseLost("the feature of claim \(id) is no longer part of the graph")
            }
            let columns = plan.spec.idColumns
            return ClaimShape(
                idColumns: columns,
                expansion: plan.children.map { ExpansionShape(idColumns: columns, recordColumns: $0.idColumns) })
        }
    }
}
