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
    /// A stored version of a record.
    ///
    /// - Parameter slots: the fields of the definition that it is read by.
    init(_ described: DescribedHead, key: RecordKey, plan: FeaturePlan, slots: FieldSlots) throws(StoreError) {
        var values: [String: JSONValue] = [:]
        do {
            for member in try JSONValue(parsing: described.metadata).objectValue?.members ?? [] {
                values[member.name] = member.value
            }
        } catch {
            throw .corrupt("metadata that is not JSON")
        }
        for (column, value) in zip(plan.spec.idColumns, key.values) { values[column] = value.json }
        values["metaxy_provenance_by_field"] = Self.object(slots) { described.head.provenance(at: $0) }
        values["metaxy_data_version_by_field"] = Self.object(slots) { described.head.dataVersion(at: $0) }
        self.init(values)
    }

    private static func object(_ slots: FieldSlots, _ version: (Slot) -> String?) -> JSONValue {
        var object = JSONObject()
        for field in slots.fields {
            // Struct keys of one feature are distinct, so nothing is displaced.
            _ = object.append(field.structKey, version(field.slot).map(JSONValue.string) ?? .null)
        }
        return .object(object)
    }
}
