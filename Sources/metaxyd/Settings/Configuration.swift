// The configuration of a process: typed values of the settings, checked together.

import API
import Sockets
import WebToken

/// The configuration of a process.
struct Configuration: Sendable {
    let listen: ListenAddress
    let adminListen: ListenAddress?
    let dataDirectory: String
    let databaseURL: String?
    let databaseConnections: Int
    let isOpen: Bool
    /// The TLS files; nil to serve without TLS.
    let tls: TLSConfiguration?
    /// The OpenID Connect issuer whose tokens are accepted; nil for none.
    let identityProvider: IdentityProvider?
    /// The limit for each token; nil for none.
    let rateLimit: RateLimit?
    let drainDelay: Duration
    /// How long the change feed reports a change; nil for ever.
    let eventRetention: Duration?
    let logLevel: Log.Level
    let logFormat: Log.Format
    /// The duration above which a statement is logged; nil for never.
    let slowStatement: Duration?

    /// - Throws: 78 if the settings contradict each other; 64 if the command line does.
    init(_ values: SettingValues) throws(ExitReason) {
        func address(_ setting: Setting) throws(ExitReason) -> ListenAddress? {
            guard let text = values[setting] else { return nil }
            guard let address = ListenAddress(argument: text) else {
                throw .setting(
                    "\(values.place(setting)) takes host:port, not \"\(text)\"", values.source(of: setting))
            }
            return address
        }
        guard let listen = try address(.listen) else { throw .configuration("listen has no address") }
        self.listen = listen
        adminListen = try address(.adminListen)
        dataDirectory = values[.dataDir] ?? "."
        databaseURL = values[.databaseURL]
        databaseConnections = values.number(.databaseConnections)
        isOpen = values[.insecureNoAuth] == "true"
        guard !isOpen || listen.isLoopback else {
            throw .setting(
                "\(values.place(.insecureNoAuth)) is allowed on loopback only, and \(listen.host) is not a loopback address",
                values.source(of: .insecureNoAuth))
        }
        let (certificate, key) = (values[.tlsCert], values[.tlsKey])
        guard (certificate == nil) == (key == nil) else {
            let setting = certificate == nil ? Setting.tlsKey : .tlsCert
            throw .setting("tls-cert and tls-key must be set together", values.source(of: setting))
        }
        guard values[.tlsClientCA] == nil || certificate != nil else {
            throw .setting("tls-client-ca needs tls-cert and tls-key", values.source(of: .tlsClientCA))
        }
        tls = certificate.map { certificate in
            TLSConfiguration(
                certificateChainPath: certificate, privateKeyPath: key ?? "",
                clientAuthoritiesPath: values[.tlsClientCA])
        }
        identityProvider = try Self.identityProvider(values)
        let rate = values.number(.rateLimit)
        rateLimit = rate == 0 ? nil : RateLimit(perSecond: rate)
        drainDelay = .seconds(values.number(.drainDelay))
        let days = values.number(.eventRetention)
        eventRetention = days == 0 ? nil : .seconds(days * 86_400)
        logLevel = Log.Level(name: values[.logLevel] ?? "") ?? .info
        logFormat = Log.Format(rawValue: values[.logFormat] ?? "") ?? .auto
        let slow = values.number(.slowStatement)
        slowStatement = slow == 0 ? nil : .milliseconds(slow)
    }

    private static func identityProvider(_ values: SettingValues) throws(ExitReason) -> IdentityProvider? {
        let (issuer, audience, place) = (values[.oidcIssuer], values[.oidcAudience], values[.oidcJWKS])
        guard let issuer, let audience, let place else {
            let given = [Setting.oidcIssuer, .oidcAudience, .oidcJWKS].first { values[$0] != nil }
            guard let given else { return nil }
            throw .setting("oidc-issuer, oidc-audience and oidc-jwks must be set together", values.source(of: given))
        }
        guard let source = IdentityProvider.Source(place) else {
            throw .setting(
                "\(values.place(.oidcJWKS)) takes a file, an https URL, or an http URL of this machine, not \"\(place)\"",
                values.source(of: .oidcJWKS))
        }
        return IdentityProvider(
            WebToken.Terms(issuer: issuer, audience: audience),
            claims: ProviderClaims(scopeClaim: values[.oidcScopeClaim] ?? "scope"), keysAt: source)
    }
}
