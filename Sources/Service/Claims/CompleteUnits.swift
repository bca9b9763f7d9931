// Takes in the results of a claim on an expansion: units, each with the records that it expands into.

public import Feature
public import Store

/// The result of one unit of an expansion.
public struct UnitResult: Hashable, Sendable {
    /// Where it stands in the request.
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

/// What the results of a claim are read by.
public struct ClaimShape: Hashable, Sendable {
    /// The names of the units' id columns, in the order of the spec.
    public let idColumns: [String]
    /// What units expand into; nil where the feature is no expansion.
    public let expansion: ExpansionShape?
}

/// What the results of a claim on an expansion are read by.
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
    /// Stores results of a claim on an expansion: each unit's records are from now on exactly those given.
    ///
    /// - Parameters:
    ///   - id: the claim.
    ///   - token: its fencing token.
    ///   - units: results, any part of the claim's units.
    ///   - seconds: how long it took to compute those that had no result yet; nil where the worker does not say.
    ///   - writer: who reports.
    /// - Returns: what became of them; counted in units.
    /// - Throws: `.claimNotFound`; `.leaseLost`; `.invalid` for unknown or repeated ids, for records that are not of
    ///   their unit, and where the feature is no expansion; `.unavailable`.
    /// - Complexity: about thirty round trips; O(records), those replaced included.
    public func complete(
        claim id: Int64, token: Int64, units: [UnitResult], seconds: Double? = nil, writer: Writer
    ) async throws(ServiceError) -> CompletionOutcome {
        try await transactions.change { (transaction) throws(ServiceError) in
            let held = try transaction.holdForReport(id, token: token)
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
            return try transaction.complete(held, rows, children: units.map(\.records), seconds: seconds, writer)
        }
    }

    /// What the results of a claim are read by.
    ///
    /// - Parameter id: the claim.
    /// - Returns: the columns.
    /// - Throws: `.claimNotFound`, `.leaseLost`, `.unavailable`.
    /// - Complexity: three round trips.
    public func shape(ofClaim id: Int64) async throws(ServiceError) -> ClaimShape {
        try await transactions.read { (transaction) throws(ServiceError) in
            let claim = try stored { () throws(StoreError) in try ClaimTable(transaction.connection).read(id) }
            guard let claim, transaction.sees(claim.feature) else { throw .claimNotFound(id) }
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
