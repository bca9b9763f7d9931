// Faults of a connection string that show without connecting to a server.

import CPostgres

/// Checks of libpq connection strings and URIs.
public enum ConnectionString {
    /// Options that take one of a few words. libpq checks them only when it connects.
    private static let words: [(name: String, values: [String])] = [
        ("sslmode", ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
        ("gssencmode", ["disable", "prefer", "require"]),
        ("channel_binding", ["disable", "prefer", "require"]),
        (
            "target_session_attrs",
            ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]
        ),
    ]

    /// Options that take a whole number.
    private static let numbers = [
        "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",
    ]

    /// The reason why no server can ever be reached with a connection string; nil if there is none.
    ///
    /// The reason may repeat the string, password included: hide it before it goes into a log.
    public static func fault(in text: String) -> String? {
        // libpq takes everything behind the first "@" for the host, and the rest of a password would be looked up as
        // a name.
        if let start = text.firstRange(of: "://") {
            let address = text[start.upperBound...].prefix { $0 != "?" }
            if address.count(where: { $0 == "@" }) > 1 {
                return "there is more than one \"@\": write an \"@\" of the user name or the password as %40"
            }
        }
        var message: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(text, &message) else {
            defer { unsafe PQfreemem(message) }
            return unsafe message.map { unsafe String(cString: $0).oneLine } ?? "out of memory"
        }
        defer { unsafe PQconninfoFree(options) }
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val,
                let fault = fault(unsafe String(cString: keyword), unsafe String(cString: value))
            {
                return fault
            }
            unsafe option += 1
        }
        return nil
    }

    /// The fault of one option; nil for none.
    private static func fault(_ name: String, _ value: String) -> String? {
        if let (_, values) = words.first(where: { $0.name == name }), !values.contains(value) {
            return "\(name) takes one of \(values.joined(separator: ", ")), not \"\(value)\""
        }
        if numbers.contains(name), Int32(value) == nil { return "\(name) takes a whole number, not \"\(value)\"" }
        guard name == "port" else { return nil }
        // One for each host; an empty one is the standard port.
        for port in value.split(separator: ",") where UInt16(port).map({ $0 > 0 }) != true {
            return "port takes a number from 1 to 65535, not \"\(port)\""
        }
        return nil
    }
}
