// The client's side of TLS, for tests.

import COpenSSL
import Foundation
import Glibc

/// The files of TLS tests, valid for a hundred years.
public enum TLSFiles {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../HTTPServerTests/Fixtures")

    /// The path of a fixture.
    ///
    /// - Parameter name: such as `server.pem`.
    /// - Returns: its path.
    public static func path(_ name: String) -> String {
        directory.appending(path: name).standardizedFileURL.path
    }
}

/// What a TLS client offers and expects.
public struct TestTLS: Sendable {
    /// The versions offered, as numbers of the protocol: 0x0303 is TLS 1.2, 0x0304 is 1.3.
    public var versions: ClosedRange<Int32> = 0x0303...0x0304
    /// The protocols offered, none if empty.
    public var protocols: [String] = []
    /// The name of the client's certificate, nil to have none.
    public var certificate: String?

    /// Creates the usual client.
    public init() {}
}

/// One client session over a blocking socket.
final class TLSClientSession {
    private let context: OpaquePointer
    private let session: OpaquePointer

    init(_ settings: TestTLS, socket: Int32, resuming earlier: TLSClientSession?) throws {
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw TestClient.Broken(description: "TLS context")
        }
        self.context = context
        openssl_limit_versions(context, settings.versions.lowerBound, settings.versions.upperBound)
        guard SSL_CTX_load_verify_locations(context, TLSFiles.path("ca.pem"), nil) == 1, let session = SSL_new(context)
        else { throw TestClient.Broken(description: "TLS session") }
        self.session = session
        SSL_set_verify(session, SSL_VERIFY_PEER, nil)
        if !settings.protocols.isEmpty {
            let offer = settings.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            SSL_set_alpn_protos(session, offer, UInt32(offer.count))
        }
        if let name = settings.certificate {
            SSL_use_certificate_file(session, TLSFiles.path("\(name).pem"), SSL_FILETYPE_PEM)
            SSL_use_PrivateKey_file(session, TLSFiles.path("\(name).key"), SSL_FILETYPE_PEM)
        }
        if let earlier, let ticket = SSL_get1_session(earlier.session) {
            SSL_set_session(session, ticket)
            SSL_SESSION_free(ticket)
        }
        SSL_set_fd(session, socket)
        guard SSL_connect(session) == 1 else { throw TestClient.Broken(description: "handshake: \(Self.lastError())") }
        // Readiness may be for a session ticket alone, after which a blocking read would wait for content.
        guard fcntl(socket, F_SETFL, O_NONBLOCK) == 0 else { throw TestClient.Broken(description: "fcntl") }
        openssl_allow_moving_writes(session)
    }

    deinit {
        SSL_free(session)
        SSL_CTX_free(context)
    }

    var hasPending: Bool {
        SSL_pending(session) > 0
    }

    var version: String {
        String(cString: SSL_get_version(session))
    }

    var isResumed: Bool {
        SSL_session_reused(session) == 1
    }

    var chosenProtocol: String {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(session, &name, &length)
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }

    /// The common name of the server's certificate.
    var serverName: String {
        guard let certificate = SSL_get1_peer_certificate(session) else { return "" }
        defer { X509_free(certificate) }
        var text = [CChar](repeating: 0, count: 256)
        let length = X509_NAME_get_text_by_NID(
            X509_get_subject_name(certificate), NID_commonName, &text, Int32(text.count))
        return String(decoding: text[..<Int(max(length, 0))].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The number of bytes read; 0 at the end, -1 when the connection broke, nil when none are there, although TLS may
    /// have read something for itself.
    func read(_ buffer: inout [UInt8]) -> Int? {
        ERR_clear_error()
        let count = SSL_read(session, &buffer, Int32(buffer.count))
        if count > 0 { return Int(count) }
        switch SSL_get_error(session, count) {
        case SSL_ERROR_ZERO_RETURN: return 0
        case SSL_ERROR_WANT_READ: return nil
        default: return -1
        }
    }

    /// The number of bytes written; 0 when there is no room, -1 when the connection broke.
    func write(_ bytes: ArraySlice<UInt8>) -> Int {
        ERR_clear_error()
        let count = bytes.withUnsafeBytes { SSL_write(session, $0.baseAddress, Int32($0.count)) }
        if count > 0 { return Int(count) }
        return SSL_get_error(session, count) == SSL_ERROR_WANT_WRITE ? 0 : -1
    }

    func finish() {
        SSL_shutdown(session)
    }

    private static func lastError() -> String {
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(ERR_get_error(), &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
