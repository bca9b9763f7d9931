// The certificate, key and protocol rules that TLS sessions are made from.

import COpenSSL

/// A loaded TLS configuration, from which sessions are made: TLS 1.2 and 1.3, ALPN `http/1.1`, resumption by tickets.
///
/// Sessions keep their own reference, so a context can be replaced while its sessions continue.
@safe
public final class TLSContext: @unchecked Sendable {
    // Unchecked: a pointer is not Sendable. OpenSSL locks a context itself, and nothing configures it after init.
    let pointer: OpaquePointer

    /// Loads the files of a configuration.
    ///
    /// - Parameters:
    ///   - configuration: the files.
    ///   - previous: the context that this one replaces; clients can resume its sessions.
    /// - Throws: when a file cannot be read, or when the key does not match the certificate.
    public init(_ configuration: TLSConfiguration, replacing previous: TLSContext? = nil) throws(SocketError) {
        guard let pointer = unsafe openssl_new_server_context() else { throw Self.error("create a TLS context") }
        unsafe self.pointer = pointer
        // From here on deinit frees the context.
        guard unsafe openssl_configure_server(pointer) != 0 else { throw Self.error("configure TLS") }
        unsafe openssl_offer_http(pointer)
        let chain = configuration.certificateChainPath
        guard unsafe SSL_CTX_use_certificate_chain_file(pointer, chain) == 1 else {
            throw Self.error("read certificates from \(chain)")
        }
        let key = configuration.privateKeyPath
        guard unsafe SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1 else {
            throw Self.error("read the private key from \(key)")
        }
        guard unsafe SSL_CTX_check_private_key(pointer) == 1 else { throw Self.error("match key and certificate") }
        if let authorities = configuration.clientAuthoritiesPath { try requireClientCertificates(of: authorities) }
        if let previous, unsafe openssl_copy_ticket_keys(previous.pointer, pointer) == 0 {
            throw Self.error("keep the ticket keys")
        }
    }

    deinit {
        unsafe SSL_CTX_free(pointer)
    }

    private func requireClientCertificates(of path: String) throws(SocketError) {
        // The names help clients with several certificates to choose one.
        guard unsafe SSL_CTX_load_verify_locations(pointer, path, nil) == 1,
            let names = unsafe SSL_load_client_CA_file(path)
        else { throw Self.error("read client authorities from \(path)") }
        unsafe SSL_CTX_set_client_CA_list(pointer, names)
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }

    /// The first error of this thread's queue, which is emptied.
    private static func error(_ operation: String) -> SocketError {
        let code = ERR_get_error()
        ERR_clear_error()
        let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            unsafe ERR_error_string_n(code, buffer.baseAddress, buffer.count)
            return unsafe buffer.baseAddress.map { unsafe String(cString: $0) } ?? "unknown"
        }
        return SocketError(operation, reason: text)
    }
}
