// Filters over rows: id columns, metadata columns and system columns by name.

import Feature
import JSON
import Postgres
import Store

/// A row as a filter sees it: the values of its columns by name.
struct FilteredRow {
    private let values: [String: JSONValue]

    /// A row of these columns.
    init(_ values: [String: JSONValue]) {
        self.values = values
    }

    /// Whether the row passes every filter: unknown does not pass.
    func passes(_ filters: [Filter]) -> Bool {
        filters.allSatisfy { $0.evaluate(value) == true }
    }

    private func value(_ path: ColumnPath) -> FilterValue {
        // A dotted name is a column of that name, or else a member of the column of its first part.
        if let column = values[path.joined] { return FilterValue(column) }
        var json = values[path.column]
        for member in path.members { json = json?[member] }
        return json.map(FilterValue.init) ?? .null
    }
}

extension FilterValue {
    /// A JSON value as filters compare it.
    init(_ json: JSONValue) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .bigInteger(let digits): self = .decimal(digits)
        case .double(let value): self = .double(value)
        case .string(let text): self = .string(text)
        case .array, .object: self = .other
        }
    }
}

extension FilteredRow {
    /// A stored version of a record, under its own names.
    ///
    /// - Parameter slots: the fields of the definition that it is read by.
    init(_ described: DescribedHead, key: RecordKey, plan: FeaturePlan, slots: FieldSlots) throws(StoreError) {
        var values = try Self.metadata(described) { $0 }
        for (column, value) in zip(plan.spec.idColumns, key.values) { values[column] = value.json }
        for column in [SystemColumn.provenanceByField, .dataVersionByField] {
            values[column.rawValue] = Self.versions(column, described.head, slots)
        }
        self.init(values)
    }

    /// The metadata columns under the names that `rename` gives them; without those to which it gives none.
    fileprivate static func metadata(
        _ described: DescribedHead, rename: (String) -> String?
    ) throws(StoreError) -> [String: JSONValue] {
        var values: [String: JSONValue] = [:]
        do {
            for member in try JSONValue(parsing: described.metadata).objectValue?.members ?? [] {
                if let name = rename(member.name) { values[name] = member.value }
            }
        } catch {
            throw .corrupt("metadata that is not JSON")
        }
        return values
    }

    /// The value of a column that holds a version for each field.
    fileprivate static func versions(_ column: SystemColumn, _ head: Head, _ slots: FieldSlots) -> JSONValue {
        var object = JSONObject()
        for field in slots.fields {
            let version =
                column == .provenanceByField ? head.provenance(at: field.slot) : head.dataVersion(at: field.slot)
            // Struct keys of one feature are distinct, so nothing is displaced.
            _ = object.append(field.structKey, version.map(JSONValue.string) ?? .null)
        }
        return .object(object)
    }
}

extension FilteredRow {
    /// A stored version as its reader sees it.
    init(_ record: StoredRecord, plan: FeaturePlan) throws(StoreError) {
        var values = try Self.values(record.columns)
        for (column, value) in zip(plan.spec.idColumns, record.key.values) { values[column] = value.json }
        values[SystemColumn.provenanceByField.rawValue] = Self.object(record.provenance)
        values[SystemColumn.dataVersionByField.rawValue] = Self.object(record.dataVersion)
        values[SystemColumn.provenance.rawValue] = record.recordProvenance.map(JSONValue.string)
        values[SystemColumn.dataVersion.rawValue] = record.recordDataVersion.map(JSONValue.string)
        values["metaxy_feature_version"] = .string(record.featureVersion)
        values["metaxy_materialization_id"] = record.materialization.map(JSONValue.string)
        self.init(values)
    }

    private static func object(_ versions: [(structKey: String, version: String)]) -> JSONValue {
        var object = JSONObject()
        // Struct keys of one feature are distinct, so nothing is displaced.
        for field in versions { _ = object.append(field.structKey, .string(field.version)) }
        return .object(object)
    }

    private static func values(_ columns: [RowColumn]) throws(StoreError) -> [String: JSONValue] {
        var values: [String: JSONValue] = [:]
        for column in columns {
            do {
                values[column.name] = try JSONValue(parsing: column.value)
            } catch {
                throw .corrupt("the column \(column.name) is not JSON")
            }
        }
        return values
    }

    /// A record of an increment, as the worker that gets it sees it.
    init(_ record: IncrementRecord, plan: FeaturePlan) throws(StoreError) {
        var values = try Self.values(record.columns)
        for (column, value) in zip(plan.spec.idColumns, record.key.values) { values[column] = value.json }
        self.init(values)
    }
}

/// Reads upstream records as inputs: by the names that a dep gives their columns.
struct InputReader {
    private let upstream: FeaturePlan
    private let dep: DepPlan
    private let slots: FieldSlots
    private var hasher: RecordHasher

    /// A reader of the records of `upstream` as `dep` brings them.
    init(upstream: FeaturePlan, dep: DepPlan) {
        self.upstream = upstream
        self.dep = dep
        slots = FieldSlots(upstream)
        hasher = RecordHasher(upstream.hash)
    }

    /// A record with its columns renamed; system columns carry the upstream's key behind their names.
    mutating func row(_ described: DescribedHead, key: RecordKey) throws(StoreError) -> FilteredRow {
        let head = described.head
        let spec = dep.spec
        // A column takes its new name from another that has it already.
        var values = try FilteredRow.metadata(described) { column in
            let name = spec.renamed(column)
            return spec.original(name) == column ? name : nil
        }
        for (column, value) in zip(upstream.spec.idColumns, key.values) {
            values[dep.spec.renamed(column)] = value.json
        }
        for column in SystemColumn.allCases {
            values[dep.spec.systemColumn(column.rawValue)] = value(of: column, head)
        }
        return FilteredRow(values)
    }

    private mutating func value(of column: SystemColumn, _ head: Head) -> JSONValue {
        switch column {
        case .provenanceByField, .dataVersionByField:
            FilteredRow.versions(column, head, slots)
        case .provenance:
            hasher.recordVersion(slots.fields.map { head.provenance(at: $0.slot) }).map(JSONValue.string) ?? .null
        case .dataVersion:
            hasher.recordVersion(slots.fields.map { head.dataVersion(at: $0.slot) }).map(JSONValue.string) ?? .null
        }
    }
}
