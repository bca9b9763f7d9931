// The contract as tests read it, and a check of answers against it.

import HTTP
import JSON

@testable import API

/// openapi.json, as the server serves it.
struct Contract {
    let document: JSONValue

    init(_ bytes: [UInt8]) throws {
        document = try JSONValue(parsing: bytes)
    }

    /// One operation.
    struct Operation {
        let path: String
        let method: String
        let json: JSONValue
        let parameters: [JSONValue]
    }

    /// All operations.
    var operations: [Operation] {
        (document["paths"]?.objectValue ?? [:]).flatMap { path -> [Operation] in
            let shared = path.value["parameters"]?.arrayValue ?? []
            return (path.value.objectValue ?? [:]).filter { $0.name != "parameters" }.map { member in
                let own = member.value["parameters"]?.arrayValue ?? []
                return Operation(
                    path: path.name, method: member.name.uppercased(), json: member.value,
                    parameters: (shared + own).map(followed))
            }
        }
    }

    /// What a reference points at, or the value itself.
    func followed(_ json: JSONValue) -> JSONValue {
        guard let reference = json["$ref"]?.stringValue else { return json }
        var target: JSONValue? = document
        for part in reference.split(separator: "/").dropFirst() { target = target?[String(part)] }
        return target.map(followed) ?? .null
    }

    /// What is wrong with an answer, by the contract.
    ///
    /// - Parameter operation: the route's operationId; nil where no route matched.
    func faults(_ answer: Answer, operation: String?) -> [String] {
        guard let operation else { return problemFaults(answer) }
        guard let declared = operations.first(where: { $0.json["operationId"]?.stringValue == operation }) else {
            return ["no operation \(operation)"]
        }
        let responses = declared.json["responses"]
        let status = String(answer.status)
        let isGeneral = [405, 408, 414, 417, 429, 431, 500, 501, 503, 505].contains(answer.status)
        guard let response = responses?[status] ?? (isGeneral ? responses?["default"] : nil) else {
            return ["\(operation) does not declare \(status)"]
        }
        let declaredTypes = followed(response)["content"]?.objectValue ?? [:]
        guard let type = answer.headers["Content-Type"] else {
            return declaredTypes.count == 0 || answer.bytes.isEmpty ? [] : ["\(operation) \(status) lacks Content-Type"]
        }
        let essence = String(type.prefix { $0 != ";" })
        guard let schema = declaredTypes[essence]?["schema"] else {
            return ["\(operation) \(status) does not declare \(type)"]
        }
        guard essence != MediaType.ndjson.essence, essence.hasSuffix("json"), !answer.bytes.isEmpty else { return [] }
        guard let json = try? JSONValue(parsing: answer.bytes) else { return ["\(operation) \(status) is no JSON"] }
        return faults(json, schema, at: "")
    }

    private func problemFaults(_ answer: Answer) -> [String] {
        guard answer.status >= 400 else { return [] }
        guard let json = try? JSONValue(parsing: answer.bytes) else { return ["a problem is no JSON"] }
        return faults(json, .object(["$ref": .string("#/components/schemas/Problem")]), at: "")
    }

    /// What is wrong with a value by a schema: the keywords that this contract uses.
    func faults(_ json: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        let schema = followed(schema)
        var faults: [String] = []
        if let types = schema["type"] {
            let names = types.arrayValue?.compactMap(\.stringValue) ?? [types.stringValue ?? ""]
            if !names.contains(where: { json.isOf($0) }) { return ["\(place): expected \(names), found \(json)"] }
        }
        if let values = schema["enum"]?.arrayValue, !values.contains(json) {
            faults.append("\(place): \(json) unknown")
        }
        if let value = schema["const"], value != json { faults.append("\(place): \(json) is not \(value)") }
        for part in schema["allOf"]?.arrayValue ?? [] { faults += self.faults(json, part, at: place) }
        if let parts = schema["oneOf"]?.arrayValue {
            let fitting = parts.count { self.faults(json, $0, at: place).isEmpty }
            if fitting != 1 { faults.append("\(place): fits \(fitting) of the alternatives") }
        }
        if let object = json.objectValue { faults += objectFaults(object, schema, at: place) }
        if let elements = json.arrayValue, let items = schema["items"] {
            for (index, element) in elements.enumerated() {
                faults += self.faults(element, items, at: "\(place)/\(index)")
            }
        }
        return faults
    }

    private func objectFaults(_ object: JSONObject, _ schema: JSONValue, at place: String) -> [String] {
        var faults: [String] = []
        for name in (schema["required"]?.arrayValue ?? []).compactMap(\.stringValue) where object[name] == nil {
            faults.append("\(place): lacks \(name)")
        }
        for member in object {
            if let property = schema["properties"]?[member.name] {
                faults += self.faults(member.value, property, at: "\(place)/\(member.name)")
            } else if let rest = schema["additionalProperties"] {
                if rest == .bool(false) {
                    faults.append("\(place): has \(member.name)")
                } else if rest != .bool(true) {
                    faults += self.faults(member.value, rest, at: "\(place)/\(member.name)")
                }
            }
        }
        return faults
    }
}

extension JSONValue {
    /// Whether the value is of a type as JSON Schema names it.
    fileprivate func isOf(_ type: String) -> Bool {
        switch (type, self) {
        case ("integer", .integer), ("integer", .bigInteger), ("number", .integer), ("number", .double): true
        default: kind.rawValue == (type == "boolean" ? "bool" : type)
        }
    }
}
