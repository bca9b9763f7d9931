// The complete JSON form of a definition.

public import JSON

extension FeatureSpec {
    /// The definition as the library dumps it: every member, defaults and nulls included, in the library's order.
    public var json: JSONValue {
        .object([
            "key": .string(key.description),
            "id_columns": .strings(idColumns),
            "deps": .array(deps.map(\.json)),
            "fields": .array(fields.map(\.json)),
            "metadata": metadata,
            "description": .optional(description),
        ])
    }

    /// The bytes that the spec version hashes.
    public var canonical: [UInt8] { canonicalJSON(json) }
}

extension FeatureDep {
    fileprivate var json: JSONValue {
        .object([
            "feature": .string(feature.description),
            "select": select.map(JSONValue.strings) ?? .null,
            "rename": rename.map { .object($0.json) } ?? .null,
            "fields_mapping": .object(["mapping": fieldsMapping.json]),
            "sql_filters": sqlFilters.map(JSONValue.strings) ?? .null,
            "lineage": .object(["relationship": lineage.json]),
            "optional": .bool(optional),
        ])
    }
}

extension [ColumnRename] {
    /// Old names are distinct, since they were the names of an object.
    fileprivate var json: JSONObject {
        reduce(into: JSONObject()) { object, rename in _ = object.append(rename.old, .string(rename.new)) }
    }
}

extension FieldsMapping {
    fileprivate var json: JSONValue {
        switch self {
        case .default(let matchSuffix, let excludeFields):
            .object([
                "type": .string("default"), "match_suffix": .bool(matchSuffix),
                "exclude_fields": .strings(excludeFields.map(\.description)),
            ])
        case .specific(let mapping):
            .object(["type": .string("specific"), "mapping": .object(Self.json(mapping))])
        case .all: .object(["type": .string("all")])
        case .none: .object(["type": .string("none")])
        }
    }

    /// Upstream fields are dumped as lists of parts, sorted part by part.
    private static func json(_ mapping: [FieldKey: Set<FieldKey>]) -> JSONObject {
        var object = JSONObject()
        for (key, upstream) in mapping.sorted(by: { $0.key < $1.key }) {
            let lists = upstream.sorted(by: FieldKey.precedesByParts).map { JSONValue.strings($0.parts) }
            _ = object.append(key.description, .array(lists))
        }
        return object
    }
}

extension Lineage {
    fileprivate var json: JSONValue {
        switch self {
        case .identity: .object(["type": .string("1:1")])
        case .aggregation(let on):
            .object(["type": .string("N:1"), "on": on.map(JSONValue.strings) ?? .null])
        case .expansion(let on, let pattern):
            .object(["type": .string("1:N"), "on": .strings(on), "id_generation_pattern": .optional(pattern)])
        }
    }
}

extension FieldSpec {
    fileprivate var json: JSONValue {
        .object([
            "key": .string(key.description), "code_version": .string(codeVersion), "deps": deps.json,
        ])
    }
}

extension FieldDeps {
    fileprivate var json: JSONValue {
        switch self {
        case .automatic: .array([])
        case .explicit(let deps): .array(deps.map(\.json))
        case .all: .string(Self.allMarker)
        }
    }
}

extension FieldDep {
    fileprivate var json: JSONValue {
        .object([
            "feature": .string(feature.description),
            "fields": fields.map { .strings($0.map(\.description)) } ?? .string(FieldDeps.allMarker),
        ])
    }
}

extension JSONValue {
    fileprivate static func strings(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }

    fileprivate static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
}
