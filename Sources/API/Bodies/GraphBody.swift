// The body of a push: a project with its features, or a snapshot as the Metaxy library's to_snapshot() returns it.

import Base
import Feature
import JSON
import Service

/// Reads the project and the features of a push.
///
/// Features come in two forms: a list of `{"spec", "schema"}`, or an object as the library's `to_snapshot()` returns it,
/// by feature key. A body that is such an object and nothing else is a push of the project that its features name.
struct GraphBody {
    /// A feature with the schema that was sent along.
    typealias Element = (spec: FeatureSpec, schema: JSONValue?)

    /// The members that are read beside project and features. A snapshot has none.
    var members: Members
    /// The project.
    private(set) var project = ""
    /// The features in the order of the body.
    private(set) var features: [Element] = []

    /// Reads a body and notes every fault in `members`.
    init(_ object: JSONObject) {
        guard !Self.isSnapshot(object) else {
            members = Members(JSONObject())
            readSnapshot(object, at: .root, of: nil)
            return
        }
        members = Members(object)
        project = ProjectName.read(&members)
        guard let value = members.required("features") else { return }
        let pointer = JSONPointer.root.appending("features")
        switch value {
        case .array(let elements): readList(elements, at: pointer)
        case .object(let snapshot): readSnapshot(snapshot, at: pointer, of: project)
        default: members.refuse("features", "expected an array or a snapshot, found \(value.kind)")
        }
    }

    /// Whether every member is a feature of a snapshot.
    private static func isSnapshot(_ object: JSONObject) -> Bool {
        object.count > 0 && object.allSatisfy { $0.value["feature_spec"] != nil }
    }

    private mutating func readList(_ elements: [JSONValue], at list: JSONPointer) {
        for (index, element) in elements.enumerated() {
            let pointer = list.appending(index)
            guard let object = element.objectValue else {
                refuse(pointer, "expected an object with \"spec\", found \(element.kind)")
                continue
            }
            read(object, spec: "spec", schema: "schema", at: pointer)
        }
        refuseRepeated()
    }

    /// - Parameter named: the project that the body names; nil where the features alone name it.
    private mutating func readSnapshot(_ object: JSONObject, at pointer: JSONPointer, of named: String?) {
        if let named { project = named }
        for (index, member) in object.enumerated() {
            let pointer = pointer.appending(member.name)
            guard let element = member.value.objectValue else {
                refuse(pointer, "expected an object with \"feature_spec\", found \(member.value.kind)")
                continue
            }
            let isFirst = index == 0 && named == nil
            readProject(element, at: pointer.appending("project"), isFirst: isFirst)
            let others = ["metaxy_feature_version", "metaxy_definition_version", "feature_class_path", "project"]
            let spec = read(element, spec: "feature_spec", schema: "feature_schema", others: others, at: pointer)
            if let spec, !spec.key.description.utf8.elementsEqual(member.name.utf8) {
                refuse(pointer, "the feature_spec has the key \"\(spec.key)\"")
            }
        }
    }

    /// Every feature of a snapshot belongs to the project of the push.
    private mutating func readProject(_ element: JSONObject, at pointer: JSONPointer, isFirst: Bool) {
        guard let name = element["project"]?.stringValue else {
            return refuse(pointer, element["project"] == nil ? "is missing" : "expected a string")
        }
        if isFirst {
            project = name
            if let fault = ProjectName.fault(in: name) { refuse(pointer, fault) }
        } else if !name.utf8.elementsEqual(project.utf8) {
            refuse(pointer, "the feature belongs to \"\(name)\", the push to \"\(project)\"; push each project alone")
        }
    }

    @discardableResult
    private mutating func read(
        _ object: JSONObject, spec: String, schema: String, others: [String] = [], at pointer: JSONPointer
    ) -> FeatureSpec? {
        if let zero = JSONValue.object(object).zeroPointer(from: pointer) {
            refuse(zero, FaultText.zero)
            return nil
        }
        let known = [spec, schema] + others
        for name in object.keys where !known.contains(name) {
            refuse(pointer.appending(name), "unknown member; known are \(known.joined(separator: ", "))")
        }
        guard let json = object[spec] else {
            refuse(pointer.appending(spec), "is missing")
            return nil
        }
        do throws(SpecProblems) {
            let decoded = try FeatureSpec(json: json, at: pointer.appending(spec))
            features.append((decoded, object[schema].flatMap { $0.kind == .null ? nil : $0 }))
            return decoded
        } catch {
            members.refuse(error.problems.map { Fault(.pointer($0.pointer.description), $0.detail) })
            return nil
        }
    }

    private mutating func refuseRepeated() {
        // Positions are those of the body only while every feature before was read.
        guard members.faults.isEmpty else { return }
        var seen: Set<FeatureKey> = []
        for (index, feature) in features.enumerated() where !seen.insert(feature.spec.key).inserted {
            members.refuse("features/\(index)/spec/key", "a second feature \"\(feature.spec.key)\"")
        }
    }

    private mutating func refuse(_ pointer: JSONPointer, _ detail: String) {
        members.refuse([Fault(.pointer(pointer.description), detail)])
    }
}

extension JSONValue {
    /// The pointer to the first string that contains U+0000, which the database cannot hold.
    func zeroPointer(from pointer: JSONPointer) -> JSONPointer? {
        switch self {
        case .string(let text): return text.utf8.contains(0) ? pointer : nil
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                if let found = element.zeroPointer(from: pointer.appending(index)) { return found }
            }
            return nil
        case .object(let object):
            for member in object {
                if member.name.utf8.contains(0) { return pointer }
                if let found = member.value.zeroPointer(from: pointer.appending(member.name)) { return found }
            }
            return nil
        case .null, .bool, .integer, .bigInteger, .double: return nil
        }
    }
}
