// The graph as text that other programs draw.

import Feature
import Service

/// Draws a graph: features as boxes with their fields, edges between features with the fields that they carry.
///
/// Keys consist of letters, digits, "_", "-" and "/", so nothing in a label needs escaping; nodes are named by number.
struct GraphDrawing {
    private let graph: GraphDescription
    private let numbers: [FeatureKey: Int]

    init(_ graph: GraphDescription) {
        self.graph = graph
        numbers = Dictionary(graph.features.enumerated().map { ($1.key, $0) }) { first, _ in first }
    }

    /// A flowchart for Mermaid.
    var mermaid: String {
        var lines = ["flowchart TD"]
        for (number, feature) in graph.features.enumerated() {
            let fields = feature.spec.fields.map(\.key.description).joined(separator: "<br/>")
            lines.append("    f\(number)[\"<b>\(feature.key)</b><br/>\(fields)\"]")
        }
        for edge in featureEdges {
            let label = edge.fields.isEmpty ? "" : "|\"\(edge.fields.joined(separator: "<br/>"))\"|"
            lines.append("    f\(edge.from) -->\(label) f\(edge.to)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A directed graph for Graphviz.
    var dot: String {
        var lines = ["digraph features {", "    node [shape=record];"]
        for (number, feature) in graph.features.enumerated() {
            let fields = feature.spec.fields.map(\.key.description).joined(separator: "\\n")
            lines.append("    f\(number) [label=\"{\(feature.key)|\(fields)}\"];")
        }
        for edge in featureEdges {
            let label = edge.fields.joined(separator: "\\n")
            lines.append("    f\(edge.from) -> f\(edge.to) [label=\"\(label)\"];")
        }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    /// One edge for each dep whose both ends are shown, with what flows along it, "frames → faces".
    private var featureEdges: [(from: Int, to: Int, fields: [String])] {
        var edges: [(from: Int, to: Int, fields: [String])] = []
        for (to, feature) in graph.features.enumerated() {
            for upstream in feature.upstream {
                guard let from = numbers[upstream] else { continue }
                let fields = graph.edges.filter { $0.from.feature == upstream && $0.to.feature == feature.key }
                    .map { "\($0.from.field) → \($0.to.field)" }
                edges.append((from, to, fields))
            }
        }
        return edges
    }
}
