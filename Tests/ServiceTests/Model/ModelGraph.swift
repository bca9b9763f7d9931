// Feature graphs as plain values, and what follows from them, computed the obvious way.

import Feature
import JSON

/// The features of all projects.
struct ModelGraph: Equatable {
    var features: [String: ModelFeature] = [:]

    /// The keys, upstream before downstream.
    var order: [String] {
        var order: [String] = []
        while order.count < features.count {
            let ready = features.keys.sorted().filter { key in
                !order.contains(key) && features[key]?.deps.allSatisfy { order.contains($0.upstream) } == true
            }
            guard !ready.isEmpty else { break }
            order += ready
        }
        return order
    }

    /// The features of one project.
    func part(_ project: String) -> ModelGraph {
        ModelGraph(features: features.filter { $0.value.project == project })
    }

    /// This graph with the features of `project` replaced by those of `part`.
    func replacing(_ project: String, with part: ModelGraph) -> ModelGraph {
        let others = features.filter { $0.value.project != project }
        return ModelGraph(features: others.merging(part.features) { other, _ in other })
    }

    /// Whether the service takes it.
    var isLegal: Bool {
        do {
            // What once expanded does so for ever.
            let isKept = features.values.allSatisfy { feature in
                feature.deps.contains { if case .expands = $0.lineage { true } else { false } }
                    == (feature.expandsOn != nil)
            }
            guard isKept else { return false }
            let members = try features.values.map { feature in
                let spec = try FeatureSpec(json: try JSONValue(parsing: Array(feature.spec.utf8)), at: "")
                return FeatureGraph.Member(spec: spec, schema: nil, project: feature.project)
            }
            return try FeatureGraph(members).admissionProblems().isEmpty
        } catch {
            return false
        }
    }
}

/// A feature.
struct ModelFeature: Equatable {
    var key: String
    var project: String
    var idColumns: [String]
    /// The columns of its units, where each makes any number of records.
    var expandsOn: [String]?
    var deps: [ModelDep] = []
    var fields: [ModelField]

    var isRoot: Bool { deps.isEmpty }
    var unitColumns: [String] { expandsOn ?? idColumns }
    /// Under which name its units are kept: its own where its records are its units.
    var units: String { expandsOn == nil ? key : "\(key) units" }

    /// The unit that a record is of.
    func unit(of record: ModelKey) -> ModelKey {
        let value = Dictionary(uniqueKeysWithValues: zip(idColumns, record))
        return unitColumns.map { value[$0] ?? "" }
    }

    /// The field keys in the order of their struct keys.
    var fieldKeys: [String] { fields.map(\.key).sorted { structKey($0) < structKey($1) } }
}

/// An upstream feature of a feature.
struct ModelDep: Equatable {
    var upstream: String
    /// New names by old names of id columns.
    var renames: [String: String] = [:]
    var mapping: ModelMapping = .standard(suffix: false, without: [])
    var isOptional = false
    var filter: ModelFilter?
    var lineage = ModelLineage.identity
}

/// How many upstream records make how many.
enum ModelLineage: Equatable {
    case identity
    /// All that agree in these columns, which are the unit's, make one.
    case groups([String])
    /// One, which these columns identify, makes any number.
    case expands([String])
}

/// A condition on an upstream record's column `n`, which is a number or is not there.
enum ModelFilter: Equatable {
    case atLeast(Int)
    case isMissing
    case isNot(Int)

    var sql: String {
        switch self {
        case .atLeast(let bound): "n >= \(bound)"
        case .isMissing: "n IS NULL"
        case .isNot(let value): "NOT n = \(value)"
        }
    }

    /// Whether a record passes: what is neither true nor false does not.
    ///
    /// - Parameter metadata: `{}` or `{"n":…}`.
    func passes(_ metadata: String) -> Bool {
        let number = Int(metadata.filter(\.isNumber))
        switch self {
        case .atLeast(let bound): return number.map { $0 >= bound } ?? false
        case .isMissing: return number == nil
        case .isNot(let value): return number.map { $0 != value } ?? false
        }
    }
}

/// How fields find their inputs in an upstream feature.
enum ModelMapping: Equatable {
    case standard(suffix: Bool, without: [String])
    case specific([String: [String]])
    case all
    case none
}

/// A field.
struct ModelField: Equatable {
    var key: String
    var code = "1"
    var inputs: ModelInputs = .mapped
}

/// Where a field's inputs come from.
enum ModelInputs: Equatable {
    case mapped
    case everything
    /// Upstream features, each with the fields of it, or nil for all.
    case named([String: [String]?])
}

/// What a field's provenance is made of.
struct ModelFormula: Hashable {
    struct Parent: Hashable {
        let feature: String
        let field: String
        let isOptional: Bool
        var label: String { "\(feature).\(field)" }
    }
    let code: String
    /// In the order of their labels.
    let parents: [Parent]
}

/// A feature's definition at some time.
struct ModelDefinition: Equatable {
    /// Differs wherever the feature's version or its spec differs.
    let identity: String
    /// The feature's version.
    let version: String
    let formulas: [String: ModelFormula]
    let upstreams: [String]

    /// The field keys in the order of their struct keys.
    var fieldKeys: [String] { formulas.keys.sorted { structKey($0) < structKey($1) } }
}

/// The name of a field in records.
func structKey(_ field: String) -> String {
    field.replacing("/", with: "_")
}

/// The digest of a standard project.
func modelHash(_ text: String) -> String {
    RecordHash.standard.digest(Array(text.utf8))
}

// MARK: - Inputs and versions

extension ModelGraph {
    /// Which upstream fields a field is made from: the fields that it names if it names some, else those that the
    /// mapping of each dep chooses.
    func parents(of field: ModelField, in feature: ModelFeature) -> [ModelFormula.Parent] {
        var chosen: [ModelFormula.Parent] = []
        for dep in feature.deps {
            let all = features[dep.upstream]?.fields.map(\.key) ?? []
            var fields: [String]
            switch field.inputs {
            case .everything: fields = all
            case .named(let named):
                switch named[dep.upstream] {
                case .none: fields = []
                case .some(.none): fields = all
                case .some(.some(let names)): fields = names
                }
            case .mapped: fields = mapped(field.key, dep.mapping, all)
            }
            fields.removeAll { !all.contains($0) }
            chosen += Set(fields).map {
                ModelFormula.Parent(feature: dep.upstream, field: $0, isOptional: dep.isOptional)
            }
        }
        return chosen.sorted { $0.label < $1.label }
    }

    private func mapped(_ field: String, _ mapping: ModelMapping, _ upstream: [String]) -> [String] {
        switch mapping {
        case .all: return upstream
        case .none: return []
        case .specific(let table): return table[field] ?? []
        case .standard(let suffix, let without):
            let candidates = upstream.filter { !without.contains($0) }
            let matches = candidates.filter { $0 == field || (suffix && $0.hasSuffix("/" + field)) }
            return matches.isEmpty ? candidates : matches
        }
    }

    /// The definition of each feature.
    var definitions: [String: ModelDefinition] {
        var fieldVersions: [String: String] = [:]
        var definitions: [String: ModelDefinition] = [:]
        for key in order {
            guard let feature = features[key] else { continue }
            var formulas: [String: ModelFormula] = [:]
            for field in feature.fields {
                let parents = parents(of: field, in: feature)
                formulas[field.key] = ModelFormula(code: field.code, parents: parents)
                let inherited = parents.map { fieldVersions[$0.label] ?? "" }.joined()
                fieldVersions["\(key).\(field.key)"] = modelHash("\(key).\(field.key)\(field.code)\(inherited)")
            }
            let versions = feature.fieldKeys.map { fieldVersions["\(key).\($0)"] ?? "" }
            let byKey = feature.fields.map(\.key).sorted().map { "\($0)\(fieldVersions["\(key).\($0)"] ?? "")" }
            definitions[key] = ModelDefinition(
                identity: "\(feature.spec) \(versions.joined(separator: " "))",
                version: modelHash(byKey.joined()), formulas: formulas,
                upstreams: feature.deps.map(\.upstream))
        }
        return definitions
    }
}

// MARK: - As JSON

extension ModelFeature {
    /// The spec as it is pushed.
    var spec: String {
        let deps = deps.map(\.json).joined(separator: ",")
        let fields = fields.map(\.json).joined(separator: ",")
        return #"{"key":"\#(key)","id_columns":\#(jsonList(idColumns)),"deps":[\#(deps)],"fields":[\#(fields)]}"#
    }
}

extension ModelDep {
    fileprivate var json: String {
        let pairs = renames.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }
        let rename = pairs.isEmpty ? "" : #","rename":{\#(pairs.joined(separator: ","))}"#
        let optional = isOptional ? #","optional":true"# : ""
        let filters = filter.map { #","sql_filters":["\#($0.sql)"]"# } ?? ""
        let lineage =
            switch lineage {
            case .identity: ""
            case .groups(let on): #","lineage":{"relationship":{"type":"N:1","on":\#(jsonList(on))}}"#
            case .expands(let on): #","lineage":{"relationship":{"type":"1:N","on":\#(jsonList(on))}}"#
            }
        let mapping = #""fields_mapping":{"mapping":\#(mapping.json)}"#
        return #"{"feature":"\#(upstream)"\#(rename)\#(lineage),\#(mapping)\#(optional)\#(filters)}"#
    }
}

extension ModelMapping {
    fileprivate var json: String {
        switch self {
        case .all: return #"{"type":"all"}"#
        case .none: return #"{"type":"none"}"#
        case .standard(let suffix, let without):
            return #"{"type":"default","match_suffix":\#(suffix),"exclude_fields":\#(jsonList(without))}"#
        case .specific(let table):
            let rows = table.sorted { $0.key < $1.key }.map { #""\#($0.key)":\#(jsonList($0.value))"# }
            return #"{"type":"specific","mapping":{\#(rows.joined(separator: ","))}}"#
        }
    }
}

extension ModelField {
    fileprivate var json: String {
        let deps: String
        switch inputs {
        case .mapped: deps = "[]"
        case .everything: deps = #""__METAXY_ALL_DEP__""#
        case .named(let named):
            let rows = named.sorted { $0.key < $1.key }.map { feature, fields in
                #"{"feature":"\#(feature)","fields":\#(fields.map(jsonList) ?? #""__METAXY_ALL_DEP__""#)}"#
            }
            deps = "[\(rows.joined(separator: ","))]"
        }
        return #"{"key":"\#(key)","code_version":"\#(code)","deps":\#(deps)}"#
    }
}

private func jsonList(_ texts: [String]) -> String {
    "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
}
