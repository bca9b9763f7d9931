// The SQL type of each kind of parameter, by which debug builds check statements.

import Postgres

extension Parameter {
    /// The name of the type that is declared to the server; nil for NULL.
    var typeName: String? {
        switch self {
        case .null: nil
        case .bool: "boolean"
        case .int2: "smallint"
        case .int4: "integer"
        case .int8: "bigint"
        case .double: "double precision"
        case .text: "text"
        case .bytes: "bytea"
        case .timestamp: "timestamptz"
        case .jsonb: "jsonb"
        case .bit: "bit"
        case .boolArray: "boolean[]"
        case .int2Array: "smallint[]"
        case .int4Array: "integer[]"
        case .int8Array, .int8ArrayOptional: "bigint[]"
        case .doubleArray: "double precision[]"
        case .textArray, .textArrayOptional, .textColumn: "text[]"
        case .bytesArray, .bytesArrayOptional, .bytesColumn: "bytea[]"
        case .timestampArray, .timestampArrayOptional: "timestamptz[]"
        case .jsonbArray, .jsonbArrayOptional, .jsonbColumn: "jsonb[]"
        case .bitArray: "bit[]"
        case .uuidColumn: "uuid[]"
        }
    }
}
