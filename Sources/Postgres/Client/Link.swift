// A libpq connection: opening it, its socket and notifications, its state, and its error messages.

import CPostgres
import Glibc

/// The connection of libpq, closed with the last reference. Only one thread uses it at a time.
@safe
final class Link {
    /// The connection of libpq.
    let pointer: OpaquePointer
    private let notices: NoticeObserver
    /// Whether the session must be closed although it is still open.
    private var isSpent = false

    /// Opens a session. Blocks until the server answers or the connect timeout passes.
    /// - Throws: `.connectFailed` with libpq's reason.
    init(_ configuration: PoolConfiguration) throws(PostgresError) {
        let settings = try LibpqSettings.keywords(configuration)
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
        unsafe pointer = link
        notices = NoticeObserver(configuration.observe)
        let observer = unsafe Unmanaged.passUnretained(notices).toOpaque()
        unsafe PQsetNoticeReceiver(
            link,
            { observer, result in
                guard let observer = unsafe observer, let result = unsafe result else { return }
                unsafe Unmanaged<NoticeObserver>.fromOpaque(observer).takeUnretainedValue().receive(result)
            }, observer)
    }

    deinit {
        unsafe PQfinish(pointer)
    }

    /// Whether the session has ended, or is in a state that only closing it leaves.
    var isBroken: Bool {
        unsafe isSpent || PQstatus(pointer) == CONNECTION_BAD
    }

    /// Whether the server has a transaction open.
    var hasTransaction: Bool {
        unsafe PQtransactionStatus(pointer) != PQTRANS_IDLE
    }

    /// Makes the session unusable.
    func spend() {
        isSpent = true
    }

    /// Whether the session seems usable. A server that shut down, or an administrator who ended the session, leaves an
    /// announcement in its socket. Costs one system call if there is none.
    var isAlive: Bool {
        while !isBroken {
            var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&descriptor, 1, 0) > 0 else { return true }
            guard receive() else { return false }
            // The end of the stream may follow its announcement later; the announcement is enough. Notices and
            // parameter changes do not end a session.
            _ = unsafe PQisBusy(pointer)
            if notices.hasFarewell { return false }
        }
        return false
    }

    /// The descriptor of the session's socket.
    var socket: Int32 { unsafe PQsocket(pointer) }

    /// Reads the bytes that have arrived.
    /// - Returns: false when the session has ended.
    func receive() -> Bool {
        unsafe PQconsumeInput(pointer) == 1 && !isBroken
    }

    /// The next notification that has arrived; nil when there is none.
    func nextNotification() -> ListenerEvent? {
        guard let notification = unsafe PQnotifies(pointer) else { return nil }
        defer { unsafe PQfreemem(notification) }
        return unsafe .notification(
            channel: String(cString: notification.pointee.relname),
            payload: String(cString: notification.pointee.extra))
    }

    /// The error that libpq reports for the connection.
    func error() -> PostgresError {
        let message = unsafe PQerrorMessage(pointer).map { unsafe String(cString: $0) } ?? ""
        return PostgresError(isBroken ? .connectionLost : .protocolViolation, message.oneLine)
    }

    /// The error of a connection that broke, with the server's reason if it gave one.
    func lost(_ cause: PostgresError?) -> PostgresError {
        var error = cause ?? error()
        error.code = .connectionLost
        return error
    }
}

extension ResultMemory {
    /// The error of a failed result.
    var error: PostgresError {
        guard let state = field(.sqlState) else {
            return PostgresError(.protocolViolation, message)
        }
        let code = SQLState(rawValue: state)
        var error = PostgresError(.server(code), field(.message) ?? message)
        error.detail = field(.detail)
        error.hint = field(.hint)
        error.constraint = field(.constraint)
        error.table = field(.table)
        error.column = field(.column)
        return error
    }
}

extension String {
    /// The text in one line: line breaks at its ends are removed, and those within become spaces.
    var oneLine: String {
        split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
