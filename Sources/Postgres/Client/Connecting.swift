// Connecting: opens a session with the server.

import Base
import CPostgres
import Glibc

extension Connection {
    /// Opens a session; blocks until the server answers or the time is up.
    /// - Throws: `.connectFailed` with libpq's reason.
    convenience init(opening configuration: PoolConfiguration, interrupt: Interrupt) throws(PostgresError) {
        let settings = try Self.settings(configuration)
        let link = unsafe withCStrings(settings.map(\.0)) { keys in
            unsafe withCStrings(settings.map(\.1)) { values in
                unsafe PQconnectdbParams(keys, values, 1)
            }
        }
        guard let link = unsafe link else { throw PostgresError(.connectFailed, "out of memory") }
        guard unsafe PQstatus(link) == CONNECTION_OK else {
            let message = unsafe PQerrorMessage(link).map { unsafe String(cString: $0) } ?? ""
            unsafe PQfinish(link)
            throw PostgresError(.connectFailed, message.oneLine)
        }
        unsafe self.init(adopting: link, configuration: configuration, interrupt: interrupt)
        observeNotices()
    }

    /// The keywords and values for libpq. What the connection string says itself has precedence, except for what the
    /// client relies on.
    private static func settings(_ configuration: PoolConfiguration) throws(PostgresError) -> [(String, String)] {
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

    /// Whether the session seems usable: the farewell of a server that shut down, or of an administrator who ended
    /// the session, would wait in its socket. One system call if nothing does.
    var isAlive: Bool {
        while !isBroken {
            var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&descriptor, 1, 0) > 0 else { return true }
            guard receive() else { return false }
            // The end of the stream may follow its announcement later; the announcement is enough. Notices and
            // parameter changes are none.
            _ = unsafe PQisBusy(link)
            if notices.hasFarewell { return false }
        }
        return false
    }

    private func observeNotices() {
        let observer = unsafe Unmanaged.passUnretained(notices).toOpaque()
        unsafe PQsetNoticeReceiver(
            link,
            { observer, result in
                guard let observer = unsafe observer, let result = unsafe result else { return }
                unsafe Unmanaged<NoticeObserver>.fromOpaque(observer).takeUnretainedValue().receive(result)
            }, observer)
    }
}
