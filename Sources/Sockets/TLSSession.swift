// One TLS session over a non-blocking socket.

import COpenSSL

/// A TLS session on the server's side; it is freed with the value that holds it.
@safe
struct TLSSession: ~Copyable {
    /// The result of an operation.
    enum Outcome {
        /// Complete, with the number of bytes read or written.
        case done(Int)
        /// To be repeated when the socket is readable.
        case wantsRead
        /// To be repeated when the socket is writable.
        case wantsWrite
        /// The peer has closed the session in order.
        case ended
        /// The session is unusable.
        case broken
    }

    private let session: OpaquePointer

    /// Creates a session that reads from and writes to a socket, which it does not close.
    init(_ context: TLSContext, socket: Int32) throws(SocketError) {
        guard let session = unsafe SSL_new(context.pointer) else {
            throw SocketError("create a TLS session", reason: "out of memory")
        }
        guard unsafe SSL_set_fd(session, socket) == 1 else {
            unsafe SSL_free(session)
            throw SocketError("create a TLS session", reason: "out of memory")
        }
        unsafe SSL_set_accept_state(session)
        unsafe self.session = session
    }

    deinit {
        unsafe SSL_free(session)
    }

    func handshake() -> Outcome {
        ERR_clear_error()
        let status = unsafe SSL_do_handshake(session)
        return status == 1 ? .done(0) : failure(status)
    }

    func read(into buffer: inout [UInt8]) -> Outcome {
        ERR_clear_error()
        var count = 0
        let status = unsafe buffer.withUnsafeMutableBytes {
            unsafe SSL_read_ex(session, $0.baseAddress, $0.count, &count)
        }
        return status == 1 ? .done(count) : failure(status)
    }

    func write(_ bytes: [UInt8], from start: Int) -> Outcome {
        ERR_clear_error()
        var count = 0
        let status = unsafe bytes.withUnsafeBytes {
            unsafe SSL_write_ex(
                session, UnsafeRawBufferPointer(rebasing: $0[start...]).baseAddress, $0.count - start, &count)
        }
        return status == 1 ? .done(count) : failure(status)
    }

    /// Sends the close alert if there is room, because the socket is closed next.
    func finish() {
        ERR_clear_error()
        _ = unsafe SSL_shutdown(session)
    }

    private func failure(_ status: Int32) -> Outcome {
        switch unsafe SSL_get_error(session, status) {
        case SSL_ERROR_WANT_READ: .wantsRead
        case SSL_ERROR_WANT_WRITE: .wantsWrite
        case SSL_ERROR_ZERO_RETURN: .ended
        default: .broken
        }
    }
}
