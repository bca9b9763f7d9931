// Ids as JSON: an object of the id columns.

import Base
import Feature
import JSON
import Service

extension JSONWriter {
    /// Writes the value of an id column.
    mutating func id(_ value: IDValue) {
        switch value {
        case .integer(let number): integer(number)
        case .bigInteger(let digits): raw(digits.utf8)
        case .string(let text): string(text)
        case .boolean(let flag): bool(flag)
        }
    }

    /// Writes the members that are a record's id columns.
    mutating func ids(_ columns: [String], _ key: RecordKey) {
        for (column, value) in zip(columns, key.values) {
            self.key(column)
            id(value)
        }
    }

    /// Writes versions by field as a member.
    mutating func versions(_ name: String, _ versions: [(structKey: String, version: String)]) {
        object(name) { writer in
            for field in versions { writer.member(field.structKey, field.version) }
        }
    }
}

extension RecordKey {
    /// Reads an id: an object of exactly the id columns.
    ///
    /// - Parameter place: where `json` stands, to which a column is added by `column`.
    /// - Returns: the key, or what is wrong.
    static func read(
        _ json: JSONValue, columns: [String], at pointer: JSONPointer
    ) -> Result<RecordKey, FaultyID> {
        guard let object = json.objectValue else {
            let fault = Fault(.pointer(pointer.description), "expected an object of the id columns, found \(json.kind)")
            return .failure(FaultyID(faults: [fault]))
        }
        var faults: [Fault] = []
        var values: [IDValue] = []
        func refuse(_ column: String, _ detail: String) {
            faults.append(Fault(.pointer(pointer.appending(column).description), detail))
        }
        for name in object.keys where !columns.contains(name) {
            refuse(name, "not an id column; those are \(columns.joined(separator: ", "))")
        }
        for column in columns {
            guard let json = object[column] else {
                refuse(column, "the id column is missing")
                continue
            }
            guard let value = IDValue(json) else {
                refuse(column, "an id is a whole number, a string, true or false")
                continue
            }
            if case .string(let text) = value, text.utf8.contains(0) { refuse(column, FaultText.zero) }
            values.append(value)
        }
        return faults.isEmpty ? .success(RecordKey(values)) : .failure(FaultyID(faults: faults))
    }
}

/// Why an id was refused.
struct FaultyID: Error {
    let faults: [Fault]
}
