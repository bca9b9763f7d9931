// The files for TLS, as the command line gives them.

import ArgumentParser
import Sockets

/// The options that make `serve` speak TLS.
struct TLSOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Serve TLS 1.2 and 1.3 with this certificate.",
            discussion: "PEM, with its chain. SIGHUP reads the files again; open connections go on.",
            valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("The certificate's private key, in PEM and without a passphrase.", valueName: "file"))
    var tlsKey: String?

    @Option(
        help: ArgumentHelp(
            "Refuse clients without a certificate of one of these authorities, in PEM.", valueName: "file"))
    var tlsClientCa: String?

    func validate() throws {
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together")
        }
        guard tlsClientCa == nil || tlsCert != nil else {
            throw ValidationError("--tls-client-ca needs --tls-cert and --tls-key")
        }
    }

    /// The files; nil to serve without TLS.
    var files: TLSConfiguration? {
        guard let tlsCert, let tlsKey else { return nil }
        return TLSConfiguration(
            certificateChainPath: tlsCert, privateKeyPath: tlsKey, clientAuthoritiesPath: tlsClientCa)
    }
}
