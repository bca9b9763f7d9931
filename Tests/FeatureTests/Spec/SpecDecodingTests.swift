// Definitions from JSON: defaults, forms and refusals.

import Base
import JSON
import Testing

@testable import Feature

@Suite struct SpecDecodingTests {
    private func spec(_ text: String, at pointer: JSONPointer = .root) throws -> FeatureSpec {
        try FeatureSpec(json: JSONValue(parsing: Array(text.utf8)), at: pointer)
    }

    @Test func missingMembersHaveTheDefaultsOfTheLibrary() throws {
        let short = try spec(#"{"key":"a/b","id_columns":["id"],"deps":[{"feature":"r"}]}"#)
        #expect(
            String(decoding: short.canonical, as: UTF8.self)
                == #"{"deps": [{"feature": "r", "fields_mapping": {"mapping": {"exclude_fields": [], "match_suffix": "#
                + #"false, "type": "default"}}, "lineage": {"relationship": {"type": "1:1"}}, "optional": false, "#
                + #""rename": null, "select": null, "sql_filters": null}], "description": null, "fields": "#
                + #"[{"code_version": "__metaxy_initial__", "deps": [], "key": "default"}], "id_columns": ["id"], "#
                + #""key": "a/b", "metadata": {}}"#)
    }

    @Test func keysMayBeTextOrParts() throws {
        let text =
            #"{"key":"a/b","id_columns":["id"],"deps":[{"feature":"r/s"}],"fields":[{"key":"x/y","deps":"#
            + #"[{"feature":"r/s","fields":["u/v"]}]}]}"#
        let parts =
            #"{"key":["a","b"],"id_columns":["id"],"deps":[{"feature":["r","s"]}],"fields":[{"key":["x","y"],"#
            + #""deps":[{"feature":["r","s"],"fields":[["u","v"]]}]}]}"#
        #expect(try spec(text) == spec(parts))
    }

    @Test func aDumpedSpecReadsBackTheSame() throws {
        for feature in GraphVector.all.flatMap(\.features) {
            #expect(try FeatureSpec(json: feature.member.spec.json) == feature.member.spec)
        }
    }

    /// A spec, and the pointers and words of all its problems.
    static let refused: [(spec: String, problems: [(JSONPointer, String)])] = [
        ("[]", [("", "expected an object, found array")]),
        ("{}", [("/key", "is missing"), ("/id_columns", "is missing")]),
        (#"{"key":1,"id_columns":"id"}"#, [("/key", "found number"), ("/id_columns", "found string")]),
        (#"{"key":"a","id_columns":[]}"#, [("/id_columns", "has an id column")]),
        (
            #"{"key":"a","id_columns":["",1,"a\nb"]}"#,
            [
                ("/id_columns/0", "not empty"), ("/id_columns/1", "found number"),
                ("/id_columns/2", "control character"),
            ]
        ),
        (
            #"{"key":"a","id_columns":["i"],"extra~/":1,"metadata":[],"description":2}"#,
            [
                ("/extra~0~1", "unknown member"), ("/metadata", "found array"), ("/description", "found number"),
            ]
        ),
        (
            #"{"key":"a","id_columns":["i"],"fields":[{"key":"x"},{"key":["x"]},{"code_version":1,"deps":null}]}"#,
            [
                ("/fields/1/key", "second field \"x\""), ("/fields/2/code_version", "found number"),
                ("/fields/2/deps", "found null"),
            ]
        ),
        (
            #"{"key":"a","id_columns":["i"],"fields":[{"deps":"ALL"},{"key":"y","deps":[{"fields":"x","f":1}]}]}"#,
            [
                ("/fields/0/deps", "__METAXY_ALL_DEP__"), ("/fields/1/deps/0/f", "unknown member"),
                ("/fields/1/deps/0/feature", "is missing"), ("/fields/1/deps/0/fields", "__METAXY_ALL_DEP__"),
            ]
        ),
        (
            #"{"key":"a","id_columns":["i"],"deps":[1,{"feature":"b","optional":1,"filters":[],"select":"x"}]}"#,
            [
                ("/deps/0", "found number"), ("/deps/1/filters", "unknown member"), ("/deps/1/select", "found string"),
                ("/deps/1/optional", "found number"),
            ]
        ),
        (
            #"{"key":"a","id_columns":["i"],"deps":[{"feature":"b","rename":{"x":"y","":"z","w":1},"select":["x"]}]}"#,
            [
                ("/deps/0/rename/", "not empty"), ("/deps/0/rename/w", "found number"),
                ("/deps/0/select/0", "is renamed to \"y\""),
            ]
        ),
        (
            #"{"key":"a","id_columns":["i"],"deps":[{"feature":"b","fields_mapping":{},"#
                + #""lineage":{"relationship":{}}}]}"#,
            [
                ("/deps/0/fields_mapping/mapping", "is missing"),
                ("/deps/0/lineage/relationship/type", "\"1:N\", is missing"),
            ]
        ),
        (
            #"{"key":"a","id_columns":["i"],"deps":[{"feature":"b","fields_mapping":{"mapping":{"type":"x"}},"#
                + #""lineage":{"relationship":{"type":"1:N","on_":1}}}]}"#,
            [
                ("/deps/0/fields_mapping/mapping/type", "found \"x\""),
                ("/deps/0/lineage/relationship/on_", "unknown member"),
                ("/deps/0/lineage/relationship/on", "is missing"),
            ]
        ),
        (
            #"{"key":"a","id_columns":["i"],"deps":[{"feature":"b","fields_mapping":{"mapping":{"type":"specific","#
                + #""mapping":{"X":["y"],"z":[1]}}}}]}"#,
            [
                ("/deps/0/fields_mapping/mapping/mapping/X", "\"X\""),
                ("/deps/0/fields_mapping/mapping/mapping/z/0", "found number"),
            ]
        ),
    ]

    @Test(arguments: refused)
    func allProblemsAreReportedAtTheirPlace(spec: String, problems: [(JSONPointer, String)]) throws {
        let found = try #require(throws: SpecProblems.self) { try self.spec(spec, at: "/features/3/spec") }.problems
            .kept
        let expected = problems.map { JSONPointer("/features/3/spec").appending(contentsOf: $0.0) }
        #expect(found.map(\.pointer) == expected)
        for (problem, words) in zip(found, problems.map(\.1)) {
            #expect(problem.detail.contains(words), "\(problem.detail)")
        }
    }

    @Test(arguments: ["a", "_raw", "face-det/emb_2", "a/2d/x-", "a_b", "a-b-c", "r2/_x", "a/_", "_"])
    func keysOfTheLibraryAreAccepted(text: String) throws {
        let key = try #require(FeatureKey(text))
        #expect(key.description == text)
        #expect(key.parts.joined(separator: "/") == text)
        #expect(FieldKey(text)?.structKey == text.split(separator: "/").joined(separator: "_"))
    }

    @Test(arguments: [
        "", "/", "a/", "/a", "a//b", "A", "2a", "-a", "a/-b", "a__b", "__", "a.b", "a b", "é", "a\n", "a\u{0}",
        String(repeating: "a", count: 256),
    ])
    func otherKeysAreRefused(text: String) {
        #expect(FeatureKey(text) == nil)
        #expect(FieldKey(text) == nil)
    }

    @Test func keysSortByCodePointAndNotByPart() throws {
        let keys = ["a_b", "a/b", "a-b", "a", "ab", "a0"].compactMap(FeatureKey.init)
        #expect(keys.sorted().map(\.description) == ["a", "a-b", "a/b", "a0", "a_b", "ab"])
        let byParts = keys.sorted(by: FeatureKey.precedesByParts)
        #expect(byParts.map(\.description) == ["a", "a/b", "a-b", "a0", "a_b", "ab"])
    }
}
