// Upstream references, mappings and lineage from JSON.

import JSON

extension FeatureDep {
    init(_ node: SpecNode, _ decoder: inout SpecDecoder) {
        let names = ["feature", "select", "rename", "fields_mapping", "sql_filters", "lineage", "optional"]
        let members = decoder.object(node, names: names)
        feature =
            decoder.required("feature", of: members).map { decoder.featureKey($0) } ?? SpecDecoder.featureStandIn
        select = decoder.nonNull(members["select"]).map { decoder.columns($0) }
        rename = decoder.nonNull(members["rename"]).map { Self.renames($0, &decoder) }
        fieldsMapping = members["fields_mapping"].map { FieldsMapping($0, &decoder) } ?? .standard
        sqlFilters = decoder.nonNull(members["sql_filters"]).map { decoder.elements($0) }?.map { decoder.string($0) }
        lineage = members["lineage"].map { Lineage($0, &decoder) } ?? .identity
        optional = members["optional"].map { decoder.bool($0) } ?? false
        refuseOldNames(members, &decoder)
    }

    private static func renames(_ node: SpecNode, _ decoder: inout SpecDecoder) -> [ColumnRename] {
        guard let object = node.value.objectValue else {
            decoder.refuse(node.pointer, "expected an object of new names by old name, found \(node.value.kind)")
            return []
        }
        return object.map { member in
            let place = node.pointer.appending(member.name)
            decoder.checkColumn(member.name, at: place)
            return ColumnRename(
                old: member.name, new: decoder.column(SpecNode(value: member.value, pointer: place)))
        }
    }

    /// A selection by a name that the rename took away selects nothing: the author meant the new name.
    private func refuseOldNames(_ members: SpecMembers, _ decoder: inout SpecDecoder) {
        guard let select, let rename else { return }
        for (index, column) in select.enumerated() {
            guard let taken = rename.first(where: { $0.old == column }) else { continue }
            guard !rename.contains(where: { $0.new == column }) else { continue }
            decoder.refuse(
                members.pointer.appending("select").appending(index),
                "\"\(column)\" is renamed to \"\(taken.new)\"; select takes names after the rename")
        }
    }
}

extension FieldsMapping {
    fileprivate init(_ node: SpecNode, _ decoder: inout SpecDecoder) {
        let wrapper = decoder.object(node, names: ["mapping"])
        self = .standard
        guard let inner = decoder.required("mapping", of: wrapper) else { return }
        switch inner.value["type"]?.stringValue {
        case "default":
            let members = decoder.object(inner, names: ["type", "match_suffix", "exclude_fields"])
            self = .default(
                matchSuffix: members["match_suffix"].map { decoder.bool($0) } ?? false,
                excludeFields: members["exclude_fields"].map { decoder.elements($0) }?.map { decoder.fieldKey($0) }
                    ?? [])
        case "specific":
            let members = decoder.object(inner, names: ["type", "mapping"])
            self = .specific(Self.specific(members, &decoder))
        case "all":
            _ = decoder.object(inner, names: ["type"])
            self = .all
        case "none":
            _ = decoder.object(inner, names: ["type"])
            self = .none
        default:
            decoder.refuseType(inner, known: ["default", "specific", "all", "none"])
        }
    }

    private static func specific(_ members: SpecMembers, _ decoder: inout SpecDecoder) -> [FieldKey: Set<FieldKey>] {
        guard let node = decoder.required("mapping", of: members) else { return [:] }
        guard let object = node.value.objectValue else {
            decoder.refuse(node.pointer, "expected an object of upstream fields by field, found \(node.value.kind)")
            return [:]
        }
        var mapping: [FieldKey: Set<FieldKey>] = [:]
        for member in object {
            let place = node.pointer.appending(member.name)
            let key = decoder.fieldKey(SpecNode(value: .string(member.name), pointer: place))
            let upstream = decoder.elements(SpecNode(value: member.value, pointer: place))
            mapping[key] = Set(upstream.map { decoder.fieldKey($0) })
        }
        return mapping
    }
}

extension Lineage {
    fileprivate init(_ node: SpecNode, _ decoder: inout SpecDecoder) {
        let wrapper = decoder.object(node, names: ["relationship"])
        self = .identity
        guard let inner = decoder.required("relationship", of: wrapper) else { return }
        switch inner.value["type"]?.stringValue {
        case "1:1":
            _ = decoder.object(inner, names: ["type"])
        case "N:1":
            let members = decoder.object(inner, names: ["type", "on"])
            self = .aggregation(on: decoder.nonNull(members["on"]).map { decoder.columns($0) })
        case "1:N":
            let members = decoder.object(inner, names: ["type", "on", "id_generation_pattern"])
            self = .expansion(
                on: decoder.required("on", of: members).map { decoder.columns($0) } ?? [],
                idGenerationPattern: decoder.nonNull(members["id_generation_pattern"]).map { decoder.string($0) })
        default:
            decoder.refuseType(inner, known: ["1:1", "N:1", "1:N"])
        }
    }
}

extension SpecDecoder {
    /// Records that the member `type`, which says what else is there, is missing or not one of `known`.
    fileprivate mutating func refuseType(_ node: SpecNode, known: [String]) {
        guard let object = node.value.objectValue else {
            refuse(node.pointer, "expected an object, found \(node.value.kind)")
            return
        }
        let choice = known.map { "\"\($0)\"" }.joined(separator: ", ")
        let found =
            switch object["type"] {
            case nil: "is missing"
            case .string(let text): "found \"\(text)\""
            case .some(let other): "found \(other.kind)"
            }
        refuse(node.pointer.appending("type"), "expected one of \(choice), \(found)")
    }
}
