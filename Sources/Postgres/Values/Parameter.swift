// The value of a statement's parameter.

/// A value for `$n`, sent in PostgreSQL's binary format with its type.
///
/// An array has one dimension. PostgreSQL has no ragged arrays of arrays; these are passed flattened.
public enum Parameter: Sendable, Hashable {
    /// NULL of the type that the SQL implies.
    case null
    /// `boolean`.
    case bool(Bool)
    /// `smallint`.
    case int2(Int16)
    /// `integer`.
    case int4(Int32)
    /// `bigint`.
    case int8(Int64)
    /// `double precision`.
    case double(Double)
    /// `text`; the server refuses U+0000.
    case text(String)
    /// `bytea`.
    case bytes([UInt8])
    /// `timestamptz`, microseconds since 1970-01-01 UTC; `Int64.max` and `.min` are `infinity` and `-infinity`.
    case timestamp(Int64)
    /// `jsonb`, as the UTF-8 text of the document.
    case jsonb([UInt8])
    /// `bit(n)`, n being the string's count.
    case bit(BitString)

    /// `boolean[]`.
    case boolArray([Bool])
    /// `smallint[]`.
    case int2Array([Int16])
    /// `integer[]`.
    case int4Array([Int32])
    /// `bigint[]`.
    case int8Array([Int64])
    /// `bigint[]` with NULLs.
    case int8ArrayOptional([Int64?])
    /// `double precision[]`.
    case doubleArray([Double])
    /// `text[]`.
    case textArray([String])
    /// `text[]` with NULLs.
    case textArrayOptional([String?])
    /// `bytea[]`.
    case bytesArray([[UInt8]])
    /// `bytea[]` with NULLs.
    case bytesArrayOptional([[UInt8]?])
    /// `timestamptz[]`, microseconds since 1970-01-01 UTC.
    case timestampArray([Int64])
    /// `timestamptz[]` with NULLs.
    case timestampArrayOptional([Int64?])
    /// `jsonb[]`, each the UTF-8 text of a document.
    case jsonbArray([[UInt8]])
    /// `jsonb[]` with NULLs.
    case jsonbArrayOptional([[UInt8]?])
    /// `bit(n)[]`.
    case bitArray([BitString])
    /// `text[]` of UTF-8 texts.
    case textColumn(ByteColumn)
    /// `bytea[]`.
    case bytesColumn(ByteColumn)
    /// `jsonb[]`, each the UTF-8 text of a document.
    case jsonbColumn(ByteColumn)
    /// `uuid[]`, 16 bytes each.
    case uuidColumn(ByteColumn)

    /// A `bigint`, NULL for nil.
    public static func int8(_ value: Int64?) -> Parameter { value.map { .int8($0) } ?? .null }
    /// An `integer`, NULL for nil.
    public static func int4(_ value: Int32?) -> Parameter { value.map { .int4($0) } ?? .null }
    /// A `text`, NULL for nil.
    public static func text(_ value: String?) -> Parameter { value.map { .text($0) } ?? .null }
    /// A `bytea`, NULL for nil.
    public static func bytes(_ value: [UInt8]?) -> Parameter { value.map { .bytes($0) } ?? .null }
    /// A `timestamptz`, NULL for nil.
    public static func timestamp(_ value: Int64?) -> Parameter { value.map { .timestamp($0) } ?? .null }
    /// A `jsonb`, NULL for nil.
    public static func jsonb(_ value: [UInt8]?) -> Parameter { value.map { .jsonb($0) } ?? .null }
}
