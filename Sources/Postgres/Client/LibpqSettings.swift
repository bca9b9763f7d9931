// The connection settings for libpq: connection string, timeouts, keepalives and session settings.

import Base
import CPostgres

/// Makes the keywords and values that libpq connects with.
enum LibpqSettings {
    /// The keywords and values for a configuration. The connection string takes precedence, except over settings that
    /// the client relies on.
    /// - Throws: `.connectFailed` when the connection string is malformed.
    static func keywords(_ configuration: PoolConfiguration) throws(PostgresError) -> [(String, String)] {
        let given = try parse(configuration.connectionString)
        var settings = [
            ("fallback_application_name", configuration.applicationName),
            // A peer that vanished without a word is noticed within about 30 s instead of TCP's two hours.
            ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "4"),
            ("tcp_user_timeout", "30000"),
        ]
        settings.append(("dbname", configuration.connectionString))
        // libpq takes 1 s for 2 s and 0 for no limit.
        let connectSeconds = max(2, (configuration.connectTimeout.wholeMilliseconds + 999) / 1000)
        settings.append(("connect_timeout", String(connectSeconds)))
        settings.append(("client_encoding", "UTF8"))
        // A pooler hands its server connections to others, with whatever was set on them.
        if configuration.preparedStatements {
            let options = configuration.sessionSettings.map { "-c \($0.0)=\($0.1)" }
            settings.append(("options", ([given["options"] ?? ""] + options).joined(separator: " ")))
        }
        return settings
    }

    /// The keywords that a connection string sets.
    private static func parse(_ connectionString: String) throws(PostgresError) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(connectionString, &message) else {
            let reason = unsafe message.map { unsafe String(cString: $0).oneLine } ?? "out of memory"
            unsafe PQfreemem(message)
            throw PostgresError(.connectFailed, reason)
        }
        defer { unsafe PQconninfoFree(options) }
        var settings: [String: String] = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                settings[unsafe String(cString: keyword)] = unsafe String(cString: value)
            }
            unsafe option += 1
        }
        return settings
    }
}
