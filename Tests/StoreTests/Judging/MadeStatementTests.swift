// The statements that Swift makes from a plan, compared with checked-in files.

import Feature
import Foundation
import JSON
import Postgres
import Testing

@testable import Store

@Suite("Statements made from plans")
struct MadeStatementTests {
    /// A derived feature with its upstreams.
    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let upstreams: [String]
        let feature: String
        let mappings: [UnitMapping]
        var isExpansion = false

        var testDescription: String { name }
    }

    private static let video = #"""
        {"key":"video","id_columns":["id"],"fields":[{"key":"audio","code_version":"1"},{"key":"frames","code_version":"1"}]}
        """#
    private static let text = #"{"key":"text","id_columns":["id"],"fields":[{"key":"words","code_version":"1"}]}"#
    private static let frame = #"{"key":"frame","id_columns":["id","n"],"fields":[{"key":"image","code_version":"1"}]}"#
    private static let fields = #""fields":[{"key":"a","code_version":"1"},{"key":"b","code_version":"2"}]}"#

    private static let examples = [
        Example(
            name: "identity", upstreams: [video],
            feature: #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"video"}],\#(fields)"#, mappings: [.same]),
        Example(
            name: "optional-dep", upstreams: [video, text],
            feature: #"""
                {"key":"leaf","id_columns":["id"],"deps":[{"feature":"video"},{"feature":"text","optional":true}],\#(fields)
                """#, mappings: [.same, .same]),
        Example(
            name: "filter", upstreams: [video],
            feature: #"""
                {"key":"leaf","id_columns":["id"],\#
                "deps":[{"feature":"video","sql_filters":["length >= 3 AND kind <> 'c'","note IS NULL"]}],\#(fields)
                """#, mappings: [.same]),
        Example(
            name: "rename", upstreams: [frame],
            feature: #"""
                {"key":"leaf","id_columns":["number","id"],"deps":[{"feature":"frame","rename":{"n":"number"}}],\#(fields)
                """#, mappings: [.rekeyed(order: [1, 0])]),
        Example(
            name: "aggregation", upstreams: [frame],
            feature: #"""
                {"key":"leaf","id_columns":["id"],"deps":[{"feature":"frame",\#
                "lineage":{"relationship":{"type":"N:1","on":["id"]}}}],\#(fields)
                """#, mappings: [.grouped(by: [.id(0)])]),
        Example(
            name: "expansion", upstreams: [video],
            feature: #"""
                {"key":"leaf","id_columns":["id","n"],"deps":[{"feature":"video",\#
                "lineage":{"relationship":{"type":"1:N","on":["id"]}}}],\#(fields)
                """#, mappings: [.same], isExpansion: true),
    ]

    /// A difference shows how a change of the program changes its statements. `make golden` writes the files anew.
    @Test("statements are those of the checked-in files", arguments: examples)
    func isKnown(_ example: Example) throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("MadeStatements/\(example.name).sql")
        let text = try Self.text(example)
        if ProcessInfo.processInfo.environment["METAXY_WRITE_PLANS"] != nil {
            try text.write(to: url, atomically: true, encoding: .utf8)
        }
        #expect(try text == String(contentsOf: url, encoding: .utf8))
    }

    private static func text(_ example: Example) throws -> String {
        let (plan, upstreams) = try plans(example)
        let judging = try #require(ExpectationSQL(plan, upstreams: upstreams, units: 0..<1_024, stride: 64))
        var text = "-- Judges the units of a range.\n\(judging.text);\n"
        for (index, parameter) in judging.parameters.enumerated() { text += "-- $\(index + 1): \(parameter)\n" }
        guard let units = IdentityUnits(plan) else { return text }
        for isDescribed in [false, true] {
            for ids in [Array(0..<10), Array(0..<1_000)] as [[RecordID]] {
                let statement = units.rows(ids, isDescribed: isDescribed).statement
                text += "\n-- \(statement.name)\n\(statement.sql);\n"
            }
        }
        return text
    }

    private static func plans(_ example: Example) throws -> (FeaturePlan, [FeaturePlan]) {
        let specs = try (example.upstreams + [example.feature]).map {
            try FeatureSpec(json: JSONValue(parsing: Array($0.utf8)), at: "")
        }
        let graph = try FeatureGraph(specs.map { FeatureGraph.Member(spec: $0, schema: nil, project: "p") })
        var plans: [FeaturePlan] = []
        for (index, spec) in specs.enumerated() {
            plans.append(try plan(spec, FeatureID(index + 1), graph, plans, index < specs.count - 1 ? nil : example))
        }
        return (try #require(plans.last), plans.dropLast())
    }

    /// The plan of a feature: fields have the slots 1, 2, … in their order.
    private static func plan(
        _ spec: FeatureSpec, _ id: FeatureID, _ graph: FeatureGraph, _ upstreams: [FeaturePlan], _ example: Example?
    ) throws -> FeaturePlan {
        let formula = try #require(RecordFormula(of: spec.key, in: graph))
        var fields: [FieldPlan] = []
        for (index, field) in formula.fields.enumerated() {
            let parents = try field.parents.map { parent in
                let dep = try #require(spec.deps.firstIndex { $0.feature == parent.reference.feature })
                let found = try #require(upstreams[dep].fields.first { $0.key == parent.reference.field })
                return FieldPlan.Parent(dep: dep, slot: found.slot)
            }
            fields.append(
                FieldPlan(
                    slot: Slot(index + 1), key: field.field, structKey: formula.structKeys[index], version: "v",
                    formula: field, parents: parents))
        }
        var deps: [DepPlan] = []
        for (index, mapping) in (example?.mappings ?? []).enumerated() {
            let slots = fields.flatMap(\.parents).filter { $0.dep == index }.map(\.slot)
            deps.append(
                DepPlan(
                    upstream: upstreams[index].id, spec: spec.deps[index], mapping: mapping, slots: Set(slots),
                    filters: try (spec.deps[index].sqlFilters ?? []).map { try Filter($0) }))
        }
        let isExpansion = example?.isExpansion == true
        return FeaturePlan(
            id: id, project: 1, spec: isExpansion ? spec.identified(by: spec.unitColumns) : spec,
            definition: DefinitionID(id), featureVersion: "v", space: example == nil || isExpansion ? 1 : id,
            hash: .standard, slots: fields.count, fields: fields, deps: deps,
            children: isExpansion
                ? ChildPlan(feature: id + 1, space: 2, idColumns: spec.idColumns, places: [0]) : nil)
    }
}
