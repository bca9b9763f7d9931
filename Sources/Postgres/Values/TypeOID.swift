// The object identifiers of PostgreSQL's built-in types.

/// PostgreSQL's object identifier of a type, which is fixed for built-in types.
///
/// Source: PostgreSQL, `src/include/catalog/pg_type.dat`.
struct TypeOID: RawRepresentable, Hashable, Sendable {
    let rawValue: UInt32

    static let unspecified = TypeOID(rawValue: 0)
    static let bool = TypeOID(rawValue: 16)
    static let bytea = TypeOID(rawValue: 17)
    static let char = TypeOID(rawValue: 18)
    static let name = TypeOID(rawValue: 19)
    static let int8 = TypeOID(rawValue: 20)
    static let int2 = TypeOID(rawValue: 21)
    static let int4 = TypeOID(rawValue: 23)
    static let text = TypeOID(rawValue: 25)
    static let oid = TypeOID(rawValue: 26)
    static let json = TypeOID(rawValue: 114)
    static let double = TypeOID(rawValue: 701)
    static let unknown = TypeOID(rawValue: 705)
    static let bpchar = TypeOID(rawValue: 1042)
    static let varchar = TypeOID(rawValue: 1043)
    static let timestamp = TypeOID(rawValue: 1114)
    static let timestamptz = TypeOID(rawValue: 1184)
    static let bit = TypeOID(rawValue: 1560)
    static let varbit = TypeOID(rawValue: 1562)
    static let uuid = TypeOID(rawValue: 2950)
    static let jsonb = TypeOID(rawValue: 3802)

    static let boolArray = TypeOID(rawValue: 1000)
    static let byteaArray = TypeOID(rawValue: 1001)
    static let nameArray = TypeOID(rawValue: 1003)
    static let int2Array = TypeOID(rawValue: 1005)
    static let int4Array = TypeOID(rawValue: 1007)
    static let textArray = TypeOID(rawValue: 1009)
    static let varcharArray = TypeOID(rawValue: 1015)
    static let int8Array = TypeOID(rawValue: 1016)
    static let doubleArray = TypeOID(rawValue: 1022)
    static let timestampArray = TypeOID(rawValue: 1115)
    static let timestamptzArray = TypeOID(rawValue: 1185)
    static let bitArray = TypeOID(rawValue: 1561)
    static let uuidArray = TypeOID(rawValue: 2951)
    static let jsonbArray = TypeOID(rawValue: 3807)

    /// Types created by CREATE TYPE have ids from 16384 on; an enum's binary form is its label.
    var isUserDefined: Bool { rawValue >= 16384 }
}

extension [TypeOID] {
    /// The types whose binary form is their text.
    static let texts: [TypeOID] = [.text, .varchar, .bpchar, .name, .json, .unknown]
    static let textArrays: [TypeOID] = [.textArray, .varcharArray, .nameArray]
    static let timestamps: [TypeOID] = [.timestamptz, .timestamp]
    static let timestampArrays: [TypeOID] = [.timestamptzArray, .timestampArray]
}
