// Details of changes, as JSON.

import JSON

/// Writes the details of changes.
enum ChangeDetail {
    /// An object of counts.
    static func counts(_ members: KeyValuePairs<String, Int>) -> [UInt8] {
        document(members) { writer, count in writer.integer(count) }
    }

    /// An object of texts; empty ones are left out.
    static func texts(_ members: KeyValuePairs<String, String>) -> [UInt8] {
        document(members.filter { !$0.value.isEmpty }) { writer, text in writer.string(text) }
    }

    private static func document<Value>(
        _ members: some Sequence<(key: String, value: Value)>, _ write: (inout JSONWriter, Value) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in members {
            writer.key(name)
            write(&writer, value)
        }
        writer.endObject()
        return writer.bytes
    }
}
