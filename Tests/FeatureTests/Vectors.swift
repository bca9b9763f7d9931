// Reference vectors: graphs and record scenarios with the versions that the Metaxy library gives them.

import Foundation
import JSON
import Testing

@testable import Feature

/// One file of Fixtures/graphs.
struct GraphVector: CustomTestStringConvertible {
    /// One feature of it, at every truncation length.
    struct Feature {
        let member: FeatureGraph.Member
        let json: JSONValue
        var key: FeatureKey { member.spec.key }
        /// True when the library refuses it.
        var isRefused: Bool { json["error"] != nil }
    }

    let name: String
    let json: JSONValue
    let features: [Feature]
    var testDescription: String { name }

    static let all: [GraphVector] = load("graphs").map { name, json in
        let features = (json["features"]?.arrayValue ?? []).map { json in
            Feature(member: member(json, spec: "spec_json", schema: "feature_schema"), json: json)
        }
        return GraphVector(name: name, json: json, features: features)
    }

    /// The graph of all features, the refused ones too: the library versions a feature downstream of a refused one
    /// when it uses none of the faulty fields, while a graph is refused as a whole.
    var uncheckedGraph: FeatureGraph {
        var check = GraphCheck(features.map(\.member))
        let parents = check.run()
        return FeatureGraph(check, parents: parents)
    }

    static func member(_ json: JSONValue, spec: String, schema: String) -> FeatureGraph.Member {
        do {
            let spec = try FeatureSpec(json: json[spec] ?? .null)
            return FeatureGraph.Member(
                spec: spec, schema: json[schema], project: json["project"]?.stringValue ?? "golden")
        } catch {
            fatalError("a fixture holds a bad spec: \(error)")
        }
    }
}

/// The files of a folder of Fixtures, by name.
func load(_ folder: String) -> [(name: String, json: JSONValue)] {
    do {
        let directory = Bundle.module.bundleURL.appending(path: "Fixtures/\(folder)")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        return try names.map { name in
            let bytes = [UInt8](try Data(contentsOf: directory.appending(path: name)))
            return (name, try JSONValue(parsing: bytes))
        }
    } catch {
        fatalError("a fixture cannot be read: \(error)")
    }
}

extension JSONValue {
    /// The strings of an object of strings.
    var strings: [String: String] {
        Dictionary(uniqueKeysWithValues: objectValue?.map { ($0.name, $0.value.stringValue ?? "") } ?? [])
    }
}
