// The fields of a definition as the database keeps them: a JSON array.

import Feature
import JSON

extension StoredField {
    /// Reads the array that `write` made.
    static func read(_ bytes: [UInt8]) throws(StoreError) -> [StoredField] {
        do {
            var fields: [StoredField] = []
            for element in try JSONValue(parsing: bytes).arrayValue ?? [] { fields.append(try field(element)) }
            return fields
        } catch let error as StoreError {
            throw error
        } catch {
            throw .corrupt("the fields of a definition are not JSON")
        }
    }

    /// The fields as a JSON array.
    static func write(_ fields: [StoredField]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        for field in fields {
            writer.beginObject()
            writer.key("slot")
            writer.integer(field.slot)
            writer.key("key")
            writer.string(field.key.description)
            writer.key("version")
            writer.string(field.version)
            writer.key("code_version")
            writer.string(field.codeVersion)
            writer.key("parents")
            writer.value(.array(field.parents.map(JSONValue.string)))
            writer.endObject()
        }
        writer.endArray()
        return writer.bytes
    }

    /// A stored field key.
    static func fieldKey(_ text: String) throws(StoreError) -> FieldKey {
        guard let key = FieldKey(text) else { throw .corrupt("the field key \(text) is not one") }
        return key
    }

    private static func field(_ json: JSONValue) throws(StoreError) -> StoredField {
        guard
            case .integer(let slot)? = json["slot"], let key = json["key"]?.stringValue,
            let version = json["version"]?.stringValue, let codeVersion = json["code_version"]?.stringValue,
            let parents = json["parents"]?.arrayValue
        else { throw .corrupt("a field of a definition lacks a member") }
        return StoredField(
            slot: Slot(slot), key: try fieldKey(key), version: version, codeVersion: codeVersion,
            parents: parents.compactMap(\.stringValue))
    }
}
