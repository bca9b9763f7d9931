// The certificate and key files that a server needs for TLS.

/// The files of a TLS server, all in PEM.
public struct TLSConfiguration: Sendable {
    /// The certificate with its chain, the server's own first.
    public var certificateChainPath: String
    /// The certificate's private key, without a passphrase.
    public var privateKeyPath: String
    /// The authorities of client certificates. If set, clients without a certificate of an authority are refused.
    public var clientAuthoritiesPath: String?

    /// Creates a configuration.
    ///
    /// - Parameters:
    ///   - certificateChainPath: the certificate with its chain.
    ///   - privateKeyPath: its private key.
    ///   - clientAuthoritiesPath: the authorities of client certificates, nil to ask for none.
    public init(certificateChainPath: String, privateKeyPath: String, clientAuthoritiesPath: String? = nil) {
        self.certificateChainPath = certificateChainPath
        self.privateKeyPath = privateKeyPath
        self.clientAuthoritiesPath = clientAuthoritiesPath
    }
}
