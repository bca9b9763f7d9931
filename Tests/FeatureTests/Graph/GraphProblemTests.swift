// Graphs that are refused, and graphs as such.

import JSON
import Testing

@testable import Feature

@Suite struct GraphProblemTests {
    struct Case: CustomTestStringConvertible {
        let name: String
        let specs: [String]
        /// Code, feature, pointer, and words of the detail.
        let problems: [(GraphProblem.Code, String, JSONPointer, String)]
        var testDescription: String { name }
    }

    private static func spec(_ key: String, _ more: String = "") -> String {
        #"{"key":"\#(key)","id_columns":["id"]\#(more.isEmpty ? "" : ",")\#(more)}"#
    }

    private static func dep(_ keys: String..., more: String = "") -> String {
        "\"deps\":[" + keys.map { #"{"feature":"\#($0)"\#(more)}"# }.joined(separator: ",") + "]"
    }

    static let cases: [Case] = [
        Case(
            name: "two features of one key", specs: [spec("a"), spec("a")],
            problems: [(.duplicateFeature, "a", "/key", "\"a\"")]),
        Case(
            name: "an upstream that is not there", specs: [spec("a", dep("b"))],
            problems: [(.unknownUpstream, "a", "/deps/0/feature", "\"b\"")]),
        Case(
            name: "a feature on itself", specs: [spec("a", dep("a"))],
            problems: [(.selfDependency, "a", "/deps/0/feature", "\"a\"")]),
        Case(
            name: "one upstream twice", specs: [spec("a"), spec("b", dep("a", "a"))],
            problems: [(.duplicateDependency, "b", "/deps/1/feature", "\"a\"")]),
        Case(
            name: "a cycle, and what is below it",
            specs: [
                spec("c", dep("x", "b")), spec("b", dep("a")), spec("a", dep("c")), spec("x"), spec("z", dep("a")),
            ],
            problems: [
                (.cycle, "a", "/deps/0/feature", "a → c → b → a"), (.upstreamRefused, "z", "/deps/0/feature", "\"a\""),
            ]),
        Case(
            name: "two fields of one struct key",
            specs: [spec("a", #""fields":[{"key":"x/y"},{"key":"z"},{"key":"x_y"}]"#)],
            problems: [(.structKeyClash, "a", "/fields/2/key", "\"x/y\" and \"x_y\"")]),
        Case(
            name: "an explicit dep on an unknown field",
            specs: [
                spec("a"),
                spec("b", dep("a") + #","fields":[{"key":"f","deps":[{"feature":"a","fields":["default","q"]}]}]"#),
            ],
            problems: [(.unknownField, "b", "/fields/0/deps/0/fields/1", "no field \"q\"")]),
        Case(
            name: "an explicit dep on a feature that is no upstream",
            specs: [spec("a"), spec("c"), spec("b", dep("a") + #","fields":[{"key":"f","deps":[{"feature":"c"}]}]"#)],
            problems: [(.unknownField, "b", "/fields/0/deps/0/feature", "\"c\"")]),
        Case(
            name: "a specific mapping from and to unknown fields",
            specs: [
                spec("a"),
                spec(
                    "b",
                    dep(
                        "a",
                        more: #","fields_mapping":{"mapping":{"type":"specific","mapping":"#
                            + #"{"default":["q","default"],"r":["default"]}}}"#)),
            ],
            problems: [
                (.unknownField, "b", "/deps/0/fields_mapping/mapping/mapping/default", "\"a\" has no field \"q\""),
                (.unknownField, "b", "/deps/0/fields_mapping/mapping/mapping/r", "\"b\" has no field \"r\""),
            ]),
        Case(
            name: "a field without inputs, and what is below it",
            specs: [
                spec("a"), spec("b", dep("a", more: #","fields_mapping":{"mapping":{"type":"none"}}"#)),
                spec("c", dep("b")),
            ],
            problems: [
                (.noUpstreamFields, "b", "/fields/0", "field \"default\" of feature \"b\""),
                (.upstreamRefused, "c", "/deps/0/feature", "\"b\""),
            ]),
        Case(
            name: "an explicit dep on no field",
            specs: [spec("a"), spec("b", dep("a") + #","fields":[{"key":"f","deps":[{"feature":"a","fields":[]}]}]"#)],
            problems: [(.noUpstreamFields, "b", "/fields/0", "field \"f\"")]),
        Case(
            name: "several faults at once", specs: [spec("a", dep("a")), spec("b", dep("c")), spec("b")],
            problems: [
                (.duplicateFeature, "b", "/key", "\"b\""), (.selfDependency, "a", "/deps/0/feature", "\"a\""),
            ]),
    ]

    @Test(arguments: cases)
    func faultsAreNamed(test: Case) throws {
        let problems = try #require(throws: GraphProblems.self) {
            try FeatureGraph(test.specs.map(member))
        }.problems
        #expect(problems.map(\.code) == test.problems.map(\.0))
        for (problem, expected) in zip(problems, test.problems) {
            #expect(problem.feature.description == expected.1)
            #expect(problem.pointer == expected.2)
            #expect(problem.detail.contains(expected.3), "\(problem.detail)")
        }
    }

    @Test func neighboursAreFoundInBothDirections() throws {
        let graph = try FeatureGraph(
            [
                Self.spec("z", Self.dep("m", "a")), Self.spec("m", Self.dep("a")), Self.spec("b", Self.dep("a")),
                Self.spec("a"),
            ].map(member))
        let key = { (text: String) in try #require(FeatureKey(text)) }
        #expect(try graph.upstream(of: key("z")).map(\.description) == ["m", "a"])
        #expect(try graph.downstream(of: key("a")).map(\.description) == ["b", "m", "z"])
        #expect(graph.order.map(\.description) == ["a", "b", "m", "z"])
        #expect(try graph[key("m")]?.isRoot == false)
        #expect(try graph[key("nobody")] == nil)
    }

    @Test func aChainOfTenThousandFeaturesDoesNotOverflowTheStack() throws {
        let members = try (0..<10_000).map { index in
            try member(Self.spec("f\(index)", index == 0 ? "" : Self.dep("f\(index - 1)")))
        }
        let graph = try FeatureGraph(members.reversed())
        #expect(graph.order.count == 10_000)
        #expect(graph.order.last?.description == "f9999")
    }

    @Test func aFeatureWithoutSchemaHasTheDefinitionVersionOfTheEmptySchema() throws {
        let bare = try member(Self.spec("a"))
        let empty = FeatureGraph.Member(spec: bare.spec, schema: .object([:]), project: "p")
        let versions = try [bare, empty].map { GraphVersions(try FeatureGraph([$0]), hash: .standard) }
        #expect(versions[0].projectVersion(of: "p") == versions[1].projectVersion(of: "p"))
        #expect(versions[0].projectVersion(of: "p").utf8.count == 32)
    }
}
