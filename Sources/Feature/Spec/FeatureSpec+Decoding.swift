// Definitions from the JSON that the Metaxy library writes.

import Base
public import JSON

extension FeatureSpec {
    /// Takes a definition as the library's `model_dump(mode="json")` writes it.
    ///
    /// Keys may be `"a/b"` or `["a", "b"]`. Members that have a default in the library may be missing; others than
    /// the library's are refused.
    ///
    /// - Parameters:
    ///   - json: the definition.
    ///   - pointer: where it stands in the document that problems should point into.
    /// - Throws: all that is wrong.
    public init(json: JSONValue, at pointer: JSONPointer = .root) throws(SpecProblems) {
        var decoder = SpecDecoder()
        let spec = FeatureSpec(SpecNode(value: json, pointer: pointer), &decoder)
        guard decoder.problems.isEmpty else { throw SpecProblems(problems: decoder.problems) }
        self = spec
    }

    private init(_ node: SpecNode, _ decoder: inout SpecDecoder) {
        let names = ["key", "id_columns", "deps", "fields", "metadata", "description"]
        let members = decoder.object(node, names: names)
        key = decoder.required("key", of: members).map { decoder.featureKey($0) } ?? SpecDecoder.featureStandIn
        idColumns = Self.idColumns(members, &decoder)
        deps = members["deps"].map { decoder.elements($0) }?.map { FeatureDep($0, &decoder) } ?? []
        fields = Self.fields(members, &decoder)
        metadata = members["metadata"]?.value ?? .object([:])
        if metadata.kind != .object {
            decoder.refuse(members.pointer.appending("metadata"), "expected an object, found \(metadata.kind)")
        }
        description = decoder.nonNull(members["description"]).map { decoder.string($0) }
    }

    private static func idColumns(_ members: SpecMembers, _ decoder: inout SpecDecoder) -> [String] {
        guard let node = decoder.required("id_columns", of: members) else { return [] }
        let columns = decoder.columns(node)
        if node.value.arrayValue?.isEmpty == true { decoder.refuse(node.pointer, "a feature has an id column") }
        return columns
    }

    private static func fields(_ members: SpecMembers, _ decoder: inout SpecDecoder) -> [FieldSpec] {
        guard let node = members["fields"] else { return [.standard] }
        let nodes = decoder.elements(node)
        var fields: [FieldSpec] = []
        for node in nodes {
            let field = FieldSpec(node, &decoder)
            let isRepeated = fields.contains { $0.key == field.key && $0.key != SpecDecoder.fieldStandIn }
            if isRepeated { decoder.refuse(node.pointer.appending("key"), "a second field \"\(field.key)\"") }
            fields.append(field)
        }
        return fields
    }
}

extension FieldSpec {
    /// The field of a feature that lists none.
    fileprivate static let standard = FieldSpec(
        key: FieldKey(checked: "default"), codeVersion: codeVersionInitial, deps: .automatic)

    fileprivate init(_ node: SpecNode, _ decoder: inout SpecDecoder) {
        let members = decoder.object(node, names: ["key", "code_version", "deps"])
        key = members["key"].map { decoder.fieldKey($0) } ?? Self.standard.key
        codeVersion = members["code_version"].map { decoder.string($0) } ?? Self.codeVersionInitial
        deps = members["deps"].map { FieldDeps($0, &decoder) } ?? .automatic
    }
}

extension FieldDeps {
    /// What JSON has in place of a list to mean everything.
    static let allMarker = "__METAXY_ALL_DEP__"

    fileprivate init(_ node: SpecNode, _ decoder: inout SpecDecoder) {
        switch node.value {
        case .string(Self.allMarker):
            self = .all
        case .array:
            let deps = decoder.elements(node).map { FieldDep($0, &decoder) }
            self = deps.isEmpty ? .automatic : .explicit(deps)
        case let other:
            decoder.refuse(node.pointer, "expected an array or \"\(Self.allMarker)\", found \(other.kind)")
            self = .automatic
        }
    }
}

extension FieldDep {
    fileprivate init(_ node: SpecNode, _ decoder: inout SpecDecoder) {
        let members = decoder.object(node, names: ["feature", "fields"])
        feature =
            decoder.required("feature", of: members).map { decoder.featureKey($0) } ?? SpecDecoder.featureStandIn
        guard let fieldsNode = members["fields"], fieldsNode.value != .string(FieldDeps.allMarker) else {
            fields = nil
            return
        }
        if fieldsNode.value.kind == .array {
            fields = decoder.elements(fieldsNode).map { decoder.fieldKey($0) }
        } else {
            let found = fieldsNode.value.kind
            decoder.refuse(fieldsNode.pointer, "expected an array or \"\(FieldDeps.allMarker)\", found \(found)")
            fields = nil
        }
    }
}
