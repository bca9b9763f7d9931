// Record versions against the reference scenarios.

import JSON
import Testing

@testable import Feature

/// One file of Fixtures/records.
struct RecordScenario: CustomTestStringConvertible {
    let name: String
    let hash: RecordHash
    let steps: [JSONValue]
    var testDescription: String { name }

    /// The scenarios that hashing alone decides; the others need records, deletes and filters of a service.
    private static let names: Set<String> = [
        "aggregation_default_on", "aggregation_string_order", "composite_ids", "dv_override_mid", "dv_override_root",
        "dv_partial_null", "expansion_clean", "explicit_field_deps", "identity_chain3", "identity_two_parent_join",
        "mapping_specific", "mapping_suffix_exclude", "multipart_fields", "optional_all_two", "optional_left",
        "renamed_id", "string_ids_unicode",
    ]

    static let all: [RecordScenario] = load("records").filter { isNamed($0.0) }.map { name, json in
        guard let algorithm = json["hash_algorithm"]?.stringValue.flatMap(HashAlgorithm.init),
            case .integer(let length)? = json["hash_truncation_length"],
            let hash = RecordHash(algorithm: algorithm, truncation: Int(length))
        else { fatalError("\(name) has no settings") }
        return RecordScenario(name: name, hash: hash, steps: json["steps"]?.arrayValue ?? [])
    }

    private static func isNamed(_ file: String) -> Bool {
        names.contains { file.hasPrefix($0 + "__") }
    }
}

/// The live rows of a scenario, and what follows from them.
struct RecordReplay {
    private var graph: FeatureGraph?
    private var rows: [FeatureKey: [[JSONValue]: JSONValue]] = [:]
    private var hasher: RecordHasher

    init(_ hash: RecordHash) {
        hasher = RecordHasher(hash)
    }

    /// Does one step; a resolve step compares each row that it hands out, and returns how many.
    mutating func step(_ step: JSONValue) throws -> Int {
        switch step["op"]?.stringValue {
        case "graph": try define(step)
        case "write": try write(step)
        case "delete": try delete(step)
        case "resolve_update": return try resolve(step)
        default: break
        }
        return 0
    }

    private mutating func define(_ step: JSONValue) throws {
        let features = try #require(step["features"]?.arrayValue)
        let graph = try FeatureGraph(features.map { GraphVector.member($0, spec: "spec", schema: "schema") })
        #expect(graph.admissionProblems().isEmpty)
        let versions = GraphVersions(graph, hash: hasher.hash)
        for feature in features {
            let key = try #require(feature["spec"]?["key"]?.stringValue.flatMap(FeatureKey.init))
            #expect(versions.features[key]?.featureVersion == feature["feature_version"]?.stringValue)
            let fields = versions.features[key]?.fieldVersions.map { ($0.description, $1) } ?? []
            #expect(Dictionary(uniqueKeysWithValues: fields) == feature["field_versions"]?.strings)
        }
        self.graph = graph
    }

    private func feature(_ step: JSONValue) throws -> FeatureSpec {
        let key = try #require(step["feature"]?.stringValue.flatMap(FeatureKey.init))
        return try #require(graph?[key])
    }

    private mutating func write(_ step: JSONValue) throws {
        let spec = try feature(step)
        for row in try #require(step["rows"]?.arrayValue) {
            rows[spec.key, default: [:]][spec.idColumns.map { row[$0] ?? .null }] = row
        }
    }

    /// Conditions in these scenarios have the form `column = integer`.
    private mutating func delete(_ step: JSONValue) throws {
        let spec = try feature(step)
        let words = try #require(step["args"]?["where"]?.stringValue).split(separator: " ")
        try #require(words.count == 3 && words[1] == "=")
        let value = JSONValue.integer(try #require(Int64(words[2])))
        rows[spec.key] = rows[spec.key]?.filter { $0.value[String(words[0])] != value }
    }

    private mutating func resolve(_ step: JSONValue) throws -> Int {
        let spec = try feature(step)
        let graph = try #require(graph)
        let formula = try #require(RecordFormula(of: spec.key, in: graph))
        let given = (step["new"]?.arrayValue ?? []) + (step["stale"]?.arrayValue ?? [])
        for row in given {
            let inputs = try spec.deps.reduce(into: [:]) { inputs, dep in
                inputs[dep.feature] = try dataVersions(dep, of: row, in: spec)
            }
            let fields = formula.fields.map { field in
                let versions = field.parents.map { inputs[$0.reference.feature]?[$0.reference.field.structKey] }
                return hasher.provenance(of: field, dataVersions: versions)
            }
            let expected = row["metaxy_provenance_by_field"]?.strings ?? [:]
            #expect(formula.structKeys.map { expected[$0] } == fields)
            #expect(hasher.recordVersion(fields) == row["metaxy_provenance"]?.stringValue)
        }
        return given.count
    }

    /// The data versions, by struct key, that one dep brings to a row; empty when it has no record for it.
    private mutating func dataVersions(
        _ dep: FeatureDep, of row: JSONValue, in spec: FeatureSpec
    ) throws -> [String: String] {
        let upstream = try #require(graph?[dep.feature])
        var columns = upstream.idColumns.map(dep.renamed)
        switch dep.lineage {
        case .identity: break
        case .aggregation(let on): columns = on ?? spec.idColumns
        case .expansion(let on, _): columns = on
        }
        let group = (rows[dep.feature] ?? [:]).filter { _, input in
            columns.allSatisfy { input[dep.original($0)] == row[$0] }
        }
        let versions = group.sorted { $0.key.precedes($1.key) }.map(\.value.dataVersions)
        guard case .aggregation = dep.lineage else { return versions.first ?? [:] }
        return Dictionary(
            uniqueKeysWithValues: upstream.fields.map(\.key.structKey).map { key in
                (key, hasher.aggregate(versions.map { $0[key] }))
            })
    }
}

extension FeatureDep {
    /// The upstream name of a column.
    fileprivate func original(_ column: String) -> String {
        rename?.first { $0.new == column }?.old ?? column
    }
}

extension JSONValue {
    /// A written row's data versions by struct key: its own, or else its provenances.
    fileprivate var dataVersions: [String: String] {
        let own = self["metaxy_data_version_by_field"]
        return (own?.kind == .object ? own : self["metaxy_provenance_by_field"])?.strings ?? [:]
    }
}

extension [JSONValue] {
    /// Orders ids: integers by value, strings by bytes.
    fileprivate func precedes(_ other: [JSONValue]) -> Bool {
        lexicographicallyPrecedes(other) { left, right in
            switch (left, right) {
            case (.integer(let a), .integer(let b)): a < b
            case (.string(let a), .string(let b)): a.precedesByCodePoint(b)
            default: false
            }
        }
    }
}

@Suite struct RecordVectorTests {
    @Test func bothAlgorithmsAreThere() {
        #expect(RecordScenario.all.count == 34)
        #expect(Set(RecordScenario.all.map(\.hash.algorithm)) == [.sha256, .xxhash32])
    }

    @Test(arguments: RecordScenario.all)
    func provenancesAreThoseOfTheLibrary(scenario: RecordScenario) throws {
        var replay = RecordReplay(scenario.hash)
        var compared = 0
        for step in scenario.steps { compared += try replay.step(step) }
        #expect(compared > 0)
    }
}
