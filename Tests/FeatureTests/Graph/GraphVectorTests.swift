// Definitions and their versions against the reference vectors.

import JSON
import Testing

@testable import Feature

@Suite struct GraphVectorTests {
    @Test func allFilesAreThere() {
        #expect(GraphVector.all.count == 30)
        #expect(GraphVector.all.flatMap(\.features).count == 224)
        #expect(GraphVector.all.flatMap(\.features).filter(\.isRefused).count == 39)
    }

    @Test(arguments: GraphVector.all)
    func canonicalFormsAreThoseOfTheLibrary(vector: GraphVector) {
        for feature in vector.features {
            let spec = String(decoding: feature.member.spec.canonical, as: UTF8.self)
            #expect(spec == feature.json["spec_canonical"]?.stringValue)
            let schema = String(decoding: canonicalJSON(feature.member.schema ?? .null), as: UTF8.self)
            #expect(schema == feature.json["schema_canonical"]?.stringValue)
        }
    }

    @Test(arguments: GraphVector.all)
    func classSpecsAreCanonicalToo(vector: GraphVector) throws {
        let hash = try #require(RecordHash(algorithm: .sha256, truncation: 8))
        for feature in vector.features {
            let spec = try FeatureSpec(json: #require(feature.json["class_spec_json"]))
            #expect(hash.specVersion(spec) == feature.json["class_feature_spec_version"]?.stringValue)
        }
    }

    @Test(arguments: GraphVector.all)
    func inputsOfFieldsAreThoseOfTheLibrary(vector: GraphVector) throws {
        let graph = vector.uncheckedGraph
        for feature in vector.features where !feature.isRefused {
            let expected = try #require(feature.json["resolved_field_deps"]?.objectValue)
            #expect(expected.count == feature.member.spec.fields.count)
            for field in expected {
                let key = try #require(FieldKey(field.name))
                let parents = graph.parents(of: FieldReference(feature: feature.key, field: key))
                #expect(parents.map(\.description) == field.value.arrayValue?.map { $0.stringValue ?? "" })
            }
        }
    }

    @Test(arguments: GraphVector.all, [8, 16, 64])
    func versionsAreThoseOfTheLibrary(vector: GraphVector, length: Int) throws {
        let hash = try #require(RecordHash(algorithm: .xxhash32, truncation: length))
        let expected = try #require(vector.json["truncations"]?["\(length)"])
        let versions = GraphVersions(vector.uncheckedGraph, hash: hash)
        let rows = try #require(expected["features"]?.arrayValue)
        #expect(rows.count == vector.features.count)
        for (feature, row) in zip(vector.features, rows) {
            let spec = feature.member.spec
            #expect(row["key"]?.stringValue == feature.key.description)
            #expect(hash.specVersion(spec) == row["feature_spec_version"]?.stringValue)
            let definition = hash.definitionVersion(spec, schema: feature.member.schema)
            #expect(definition == row["feature_definition_version"]?.stringValue)
            #expect(hash.codeVersion(spec) == row["code_version"]?.stringValue)
            if feature.isRefused { continue }
            let own = try #require(versions.features[feature.key])
            #expect(own.featureVersion == row["feature_version"]?.stringValue)
            #expect(own.specVersion == row["feature_spec_version"]?.stringValue)
            #expect(own.definitionVersion == row["feature_definition_version"]?.stringValue)
            #expect(own.codeVersion == row["code_version"]?.stringValue)
            let fields = Dictionary(uniqueKeysWithValues: own.fieldVersions.map { ($0.description, $1) })
            #expect(fields == row["field_versions"]?.strings)
        }
    }

    @Test(arguments: GraphVector.all, [8, 16, 64])
    func projectVersionsAreThoseOfTheLibrary(vector: GraphVector, length: Int) throws {
        let hash = try #require(RecordHash(algorithm: .sha256, truncation: length))
        let expected = try #require(vector.json["truncations"]?["\(length)"]?["project_versions"]).strings
        // The library versions a project with refused features too; a graph does not exist then.
        for (project, version) in expected {
            let members = vector.features.map(\.member).filter { $0.project == project }
            let definitions = members.map {
                ($0.spec.key, hash.definitionVersion($0.spec, schema: $0.schema))
            }
            #expect(hash.projectVersion(definitions) == version)
        }
        guard !vector.features.contains(where: \.isRefused) else { return }
        let versions = GraphVersions(try FeatureGraph(vector.features.map(\.member)), hash: hash)
        for (project, version) in expected { #expect(versions.projectVersion(of: project) == version) }
        #expect(versions.projectVersion(of: "nobody") == "empty")
    }

    @Test(arguments: GraphVector.all)
    func ordersAreThoseOfTheLibrary(vector: GraphVector) throws {
        let expected = try #require(vector.json["truncations"]?["8"]?["topological_order"]?.arrayValue)
        let deps = Dictionary(
            uniqueKeysWithValues: vector.features.map { ($0.key, $0.member.spec.deps.map(\.feature)) })
        let sorted = TopologicalOrder(deps)
        #expect(sorted.order.map(\.description) == expected.map { $0.stringValue ?? "" })
        #expect(sorted.cycles.isEmpty)
        guard !vector.features.contains(where: \.isRefused) else { return }
        #expect(try FeatureGraph(vector.features.map(\.member)).order == sorted.order)
    }

    @Test(arguments: GraphVector.all.filter { $0.features.contains(where: \.isRefused) })
    func whatTheLibraryRefusesIsRefusedByName(vector: GraphVector) throws {
        let problems = try #require(throws: GraphProblems.self) {
            try FeatureGraph(vector.features.map(\.member))
        }.problems
        let refused = vector.features.filter(\.isRefused)
        // Refused is also what lies downstream of a refused feature and would not use its faulty field.
        var expected = Set(refused.map(\.key))
        for key in vector.uncheckedGraph.order {
            if !expected.isDisjoint(with: vector.uncheckedGraph.upstream(of: key)) { expected.insert(key) }
        }
        #expect(Set(problems.map(\.feature)) == expected)
        for problem in problems {
            #expect(problem.code == .noUpstreamFields || problem.code == .upstreamRefused)
        }
        for feature in refused {
            // The library's message names the field and the feature where its recursion met the fault.
            let message = try #require(feature.json["error"]?["message"]?.stringValue)
            let named = problems.contains {
                $0.code == .noUpstreamFields && message.contains("of feature key=\($0.feature) ")
                    && message.contains("for field key=\(vector.field(at: $0)) ")
            }
            #expect(named, "\(message)")
        }
    }
}

extension GraphVector {
    /// The key of the field that a problem points to.
    fileprivate func field(at problem: GraphProblem) -> String {
        let spec = features.first { $0.key == problem.feature }?.member.spec
        return spec?.fields.enumerated().first { problem.pointer == JSONPointer("/fields/\($0.offset)") }?
            .element.key.description ?? "?"
    }
}
