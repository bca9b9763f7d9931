// Takes definitions out of JSON, collecting every fault.

import Base
import JSON

/// A JSON value and its place in the document.
struct SpecNode {
    let value: JSONValue
    let pointer: JSONPointer
}

/// The members of a JSON object and its place; `isFault` when there was no object, so that missing members are no
/// further news.
struct SpecMembers {
    let object: JSONObject
    let pointer: JSONPointer
    let isFault: Bool

    /// The member `name`, or nil when it is missing.
    subscript(name: String) -> SpecNode? {
        object[name].map { SpecNode(value: $0, pointer: pointer.appending(name)) }
    }
}

/// Collects faults while values are taken out.
///
/// Each method returns a stand-in where it records a fault, so that decoding goes on to the end; whoever drives it
/// throws when there are problems, and no stand-in gets out.
struct SpecDecoder {
    private(set) var problems = FaultList<SpecProblem>()

    static let featureStandIn = FeatureKey(checked: "_")
    static let fieldStandIn = FieldKey(checked: "_")

    mutating func refuse(_ pointer: JSONPointer, _ detail: @autoclosure () -> String) {
        problems.add(SpecProblem(pointer: pointer, detail: detail()))
    }

    /// The members of an object, of which only `names` are known.
    mutating func object(_ node: SpecNode, names: [String]) -> SpecMembers {
        guard let object = node.value.objectValue else {
            refuse(node.pointer, "expected an object, found \(node.value.kind)")
            return SpecMembers(object: JSONObject(), pointer: node.pointer, isFault: true)
        }
        for name in object.keys where !names.contains(name) {
            refuse(node.pointer.appending(name), "unknown member; known are \(names.joined(separator: ", "))")
        }
        return SpecMembers(object: object, pointer: node.pointer, isFault: false)
    }

    /// A member that has no default.
    mutating func required(_ name: String, of members: SpecMembers) -> SpecNode? {
        if let node = members[name] { return node }
        if !members.isFault { refuse(members.pointer.appending(name), "is missing") }
        return nil
    }

    mutating func elements(_ node: SpecNode) -> [SpecNode] {
        guard let elements = node.value.arrayValue else {
            refuse(node.pointer, "expected an array, found \(node.value.kind)")
            return []
        }
        return elements.enumerated().map { SpecNode(value: $1, pointer: node.pointer.appending($0)) }
    }

    mutating func string(_ node: SpecNode) -> String {
        guard let text = node.value.stringValue else {
            refuse(node.pointer, "expected a string, found \(node.value.kind)")
            return ""
        }
        return text
    }

    mutating func bool(_ node: SpecNode) -> Bool {
        guard case .bool(let value) = node.value else {
            refuse(node.pointer, "expected true or false, found \(node.value.kind)")
            return false
        }
        return value
    }

    /// The name of a column: not empty, at most 255 bytes, no control character.
    mutating func column(_ node: SpecNode) -> String {
        guard let name = node.value.stringValue else {
            refuse(node.pointer, "expected the name of a column, found \(node.value.kind)")
            return ""
        }
        checkColumn(name, at: node.pointer)
        return name
    }

    mutating func checkColumn(_ name: String, at pointer: JSONPointer) {
        if name.isEmpty {
            refuse(pointer, "the name of a column is not empty")
        } else if name.utf8.count > 255 {
            refuse(pointer, "the name of a column has at most 255 bytes, found \(name.utf8.count)")
        } else if name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            refuse(pointer, "the name of a column has no control character")
        }
    }

    mutating func columns(_ node: SpecNode) -> [String] {
        elements(node).map { column($0) }
    }

    mutating func featureKey(_ node: SpecNode) -> FeatureKey {
        keyText(node).map(FeatureKey.init(checked:)) ?? Self.featureStandIn
    }

    mutating func fieldKey(_ node: SpecNode) -> FieldKey {
        keyText(node).map(FieldKey.init(checked:)) ?? Self.fieldStandIn
    }

    /// The value unless it is `null`.
    func nonNull(_ node: SpecNode?) -> SpecNode? {
        node?.value.kind == .null ? nil : node
    }

    private mutating func keyText(_ node: SpecNode) -> String? {
        switch KeyParts.text(node.value) {
        case .success(let text): return text
        case .failure(let fault):
            refuse(node.pointer, fault.detail)
            return nil
        }
    }
}
