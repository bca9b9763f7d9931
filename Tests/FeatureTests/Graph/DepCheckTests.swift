// What keeps a graph with versions from being worked on.

import JSON
import Testing

@testable import Feature

/// A feature from JSON text, of the project `p`.
func member(_ text: String) throws -> FeatureGraph.Member {
    let spec = try FeatureSpec(json: JSONValue(parsing: Array(text.utf8)))
    return FeatureGraph.Member(spec: spec, schema: nil, project: "p")
}

@Suite struct AdmissionTests {
    @Test func graphsThatTheLibraryRunsAreAdmitted() throws {
        let files = load("admitted")
        let graphs = try #require(files.first?.json.arrayValue)
        #expect(graphs.count == 34)
        for graph in graphs {
            let members = try #require(graph["specs"]?.arrayValue).map {
                FeatureGraph.Member(spec: try FeatureSpec(json: $0), schema: nil, project: "p")
            }
            let problems = try FeatureGraph(members).admissionProblems()
            #expect(problems.isEmpty, "\(graph["name"]?.stringValue ?? ""): \(problems)")
        }
    }

    struct Case: CustomTestStringConvertible {
        let name: String
        /// Members of the spec of `d`, beside its key; upstream are `v` by video_id, `w` by video_id and
        /// `f` by video_id and frame_id.
        let spec: String
        let code: GraphProblem.Code?
        let pointer: JSONPointer
        let words: String
        var testDescription: String { name }

        init(
            _ name: String, _ spec: String, _ code: GraphProblem.Code? = nil, _ pointer: JSONPointer = "",
            _ words: String = ""
        ) {
            (self.name, self.spec, self.code, self.pointer, self.words) = (name, spec, code, pointer, words)
        }
    }

    private static let aggregation = #""lineage":{"relationship":{"type":"N:1"}}"#
    private static let expansion = #""lineage":{"relationship":{"type":"1:N","on":["video_id"]}}"#

    static let cases: [Case] = [
        Case(
            "a filter that is none",
            #""id_columns":["video_id"],"deps":[{"feature":"v","sql_filters":["n > 1","n >"]}]"#,
            .filterSyntax, "/deps/0/sql_filters/1", "column 4"),
        Case("identity over equal ids", #""id_columns":["video_id"],"deps":[{"feature":"v"},{"feature":"w"}]"#),
        Case("identity whatever the order of ids", #""id_columns":["frame_id","video_id"],"deps":[{"feature":"f"}]"#),
        Case("identity over renamed ids", #""id_columns":["id"],"deps":[{"feature":"v","rename":{"video_id":"id"}}]"#),
        Case(
            "identity over other ids", #""id_columns":["video_id"],"deps":[{"feature":"f"}]"#, .idColumnsMismatch,
            "/deps/0/lineage", "declare an aggregation"),
        Case(
            "identity over ids renamed away",
            #""id_columns":["video_id"],"deps":[{"feature":"v","#
                + #""rename":{"video_id":"id"}}]"#, .idColumnsMismatch, "/deps/0/lineage", "(id)"),
        Case("aggregation on the id columns", #""id_columns":["video_id"],"deps":[{"feature":"f",\#(aggregation)}]"#),
        Case(
            "aggregation beside identity",
            #""id_columns":["video_id"],"deps":[{"feature":"f",\#(aggregation)},{"feature":"v"}]"#),
        Case(
            "aggregation on a part of the id columns",
            #""id_columns":["video_id","day"],"deps":[{"feature":"f","#
                + #""lineage":{"relationship":{"type":"N:1","on":["video_id"]}}}]"#, .idColumnsMismatch,
            "/deps/0/lineage/relationship/on", "(video_id, day)"),
        Case(
            "aggregation on a column twice",
            #""id_columns":["video_id"],"deps":[{"feature":"f","#
                + #""lineage":{"relationship":{"type":"N:1","on":["video_id","video_id"]}}}]"#, .duplicateColumn,
            "/deps/0/lineage/relationship/on/1", "video_id"),
        Case("expansion", #""id_columns":["video_id","n"],"deps":[{"feature":"v",\#(expansion)}]"#),
        Case(
            "expansion beside identity of the parents",
            #""id_columns":["video_id","n"],"deps":[{"feature":"w"},{"feature":"v",\#(expansion)}]"#),
        Case(
            "expansion beside an aggregation to the parents",
            #""id_columns":["video_id","n"],"deps":[{"feature":"v","#
                + #"\#(expansion)},{"feature":"f","lineage":{"relationship":{"type":"N:1","on":["video_id"]}}}]"#),
        Case(
            "expansion beside identity of the children",
            #""id_columns":["video_id","frame_id"],"deps":[{"feature":"v",\#(expansion)},{"feature":"f"}]"#,
            .idColumnsMismatch, "/deps/1/lineage", "the columns it expands on"),
        Case(
            "expansion on columns that are not the parent's",
            #""id_columns":["video_id","n"],"deps":[{"feature":"f",\#(expansion)}]"#, .idColumnsMismatch,
            "/deps/0/lineage/relationship/on", "(video_id, frame_id)"),
        Case(
            "expansion that loses the parent", #""id_columns":["n"],"deps":[{"feature":"v",\#(expansion)}]"#,
            .idColumnsMismatch, "/deps/0/lineage/relationship/on", "not all among the id columns"),
        Case(
            "two expansions on different columns",
            #""id_columns":["video_id","frame_id","n"],"deps":[{"feature":"v","#
                + #"\#(expansion)},{"feature":"f","lineage":{"relationship":{"type":"1:N","#
                + #""on":["video_id","frame_id"]}}}]"#, .idColumnsMismatch, "/deps/1/lineage/relationship/on",
            "another dep"),
        Case("an id column twice", #""id_columns":["a","a"]"#, .duplicateColumn, "/id_columns/1", "\"a\""),
        Case("an id column of the system", #""id_columns":["metaxy_x"]"#, .systemColumn, "/id_columns/0", "metaxy_x"),
        Case(
            "two columns renamed to one",
            #""id_columns":["video_id"],"deps":[{"feature":"v","#
                + #""rename":{"a":"c","b":"c"}}]"#, .renameClash, "/deps/0/rename/b", "\"c\""),
        Case(
            "a rename onto an id column",
            #""id_columns":["video_id"],"deps":[{"feature":"v","#
                + #""rename":{"a":"video_id"}}]"#, .renameClash, "/deps/0/rename/a", "\"video_id\""),
        Case(
            "names swapped", #""id_columns":["a"],"deps":[{"feature":"v","rename":{"video_id":"a","a":"video_id"}}]"#),
        Case(
            "a column of the system renamed",
            #""id_columns":["video_id"],"deps":[{"feature":"v","#
                + #""rename":{"metaxy_provenance":"x"}}]"#, .systemColumn, "/deps/0/rename/metaxy_provenance",
            "metaxy_provenance"),
        Case(
            "a column renamed into the system's",
            #""id_columns":["video_id"],"deps":[{"feature":"v","#
                + #""rename":{"x":"metaxy_provenance"}}]"#, .systemColumn, "/deps/0/rename/x", "metaxy_provenance"),
        Case(
            "one column selected from two deps",
            #""id_columns":["video_id"],"deps":[{"feature":"v","#
                + #""select":["video_id","path"]},{"feature":"w","select":["path","video_id"]}]"#, .columnClash,
            "/deps/1/select", "\"path\""),
        Case(
            "one column selected and renamed to",
            #""id_columns":["video_id"],"deps":[{"feature":"v","#
                + #""select":["path"]},{"feature":"w","rename":{"p":"path"}}]"#, .columnClash, "/deps/1/rename",
            "\"path\""),
        Case(
            "columns selected apart",
            #""id_columns":["video_id"],"deps":[{"feature":"v","select":["path"]},"#
                + #"{"feature":"w","select":["w_path"],"rename":{"path":"w_path"}}]"#),
    ]

    @Test(arguments: cases)
    func unitsAndColumnsOfDepsMustFit(test: Case) throws {
        let problems = try FeatureGraph([
            member(#"{"key":"v","id_columns":["video_id"]}"#),
            member(#"{"key":"w","id_columns":["video_id"]}"#),
            member(#"{"key":"f","id_columns":["video_id","frame_id"]}"#),
            member(#"{"key":"d",\#(test.spec)}"#),
        ]).admissionProblems()
        #expect(problems.map(\.code) == (test.code.map { [$0] } ?? []))
        guard let problem = problems.first else { return }
        #expect(problem.feature.description == "d")
        #expect(problem.pointer == test.pointer)
        #expect(problem.detail.contains(test.words), "\(problem.detail)")
    }
}
