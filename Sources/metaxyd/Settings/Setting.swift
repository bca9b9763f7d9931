// The list of all settings: the options, environment variables, file entries, the table of docs/configuration.md and the
// output of `metaxyd config` come from it.

import ArgumentParser

/// A setting.
struct Setting: Hashable, Sendable {
    /// The type of a value.
    enum Kind: Hashable, Sendable {
        /// A text, by the word for it in the help.
        case text(String)
        /// A whole number within bounds, with the word for it in the help.
        case number(String, ClosedRange<Int>)
        /// One of these words.
        case word([String])
        /// True or false. The option takes no value.
        case flag
    }

    /// The name of the option and of the file entry.
    let name: String
    /// The environment variable.
    let variable: String
    /// The default value; nil for none.
    let standard: String?
    /// The type of the value.
    let kind: Kind
    /// A sentence for the help and the documentation.
    let summary: String
    /// Whether the value is never shown. A secret has no option, since other users can read the command line.
    let isSecret: Bool
    /// Whether SIGHUP reads it again from the file.
    let isReloaded: Bool

    private init(
        _ name: String, _ kind: Kind, standard: String? = nil, variable: String? = nil, isSecret: Bool = false,
        isReloaded: Bool = false, _ summary: String
    ) {
        self.name = name
        self.kind = kind
        self.standard = standard
        self.variable = variable ?? "METAXY_" + name.uppercased().replacing("-", with: "_")
        self.isSecret = isSecret
        self.isReloaded = isReloaded
        self.summary = summary
    }

    static let config = Setting(
        "config", .text("file"), "A settings file in TOML, with lines such as rate-limit = 100.")
    static let listen = Setting(
        "listen", .text("address"), standard: "127.0.0.1:8080", "The address to listen on. Port 0 picks a free port.")
    static let adminListen = Setting(
        "admin-listen", .text("address"),
        "A second address that serves health checks and metrics only, without tokens or TLS.")
    static let dataDir = Setting(
        "data-dir", .text("directory"), standard: "./metaxy-data",
        "The directory of the embedded PostgreSQL, which is used if database-url is not set.")
    static let databaseURL = Setting(
        "database-url", .text("string"), variable: "DATABASE_URL", isSecret: true,
        "The PostgreSQL database, as a libpq connection string or URI. Without it the server runs its own PostgreSQL.")
    static let databaseConnections = Setting(
        "database-connections", .number("count", 1...1_000), standard: "8",
        "The maximum number of connections to PostgreSQL.")
    static let insecureNoAuth = Setting(
        "insecure-no-auth", .flag, standard: "false",
        "Accept every request without a token. Allowed on loopback only.")
    static let tlsCert = Setting(
        "tls-cert", .text("file"), isReloaded: true,
        "The certificate chain for TLS 1.2 and 1.3, in PEM.")
    static let tlsKey = Setting(
        "tls-key", .text("file"), isReloaded: true,
        "The private key of the certificate, in PEM without a passphrase.")
    static let tlsClientCA = Setting(
        "tls-client-ca", .text("file"), isReloaded: true,
        "Require a client certificate from one of these authorities, in PEM.")
    static let oidcIssuer = Setting(
        "oidc-issuer", .text("issuer"),
        "Also accept tokens of this OpenID Connect issuer (iss), signed with RS256 or ES256.")
    static let oidcAudience = Setting(
        "oidc-audience", .text("audience"), "The audience (aud) that the issuer's tokens must have.")
    static let oidcJWKS = Setting(
        "oidc-jwks", .text("place"),
        "The issuer's public keys: an https URL or a file. Read every ten minutes, and when a token names an unknown key."
    )
    static let oidcScopeClaim = Setting(
        "oidc-scope-claim", .text("claim"), standard: "scope",
        "The claim of the issuer's tokens that lists scopes such as metaxy:read and metaxy:write.")
    static let rateLimit = Setting(
        "rate-limit", .number("requests", 0...1_000_000), standard: "0",
        "The requests per second that this process accepts from one token, with bursts of ten times as many. 0 sets no limit."
    )
    static let drainDelay = Setting(
        "drain-delay", .number("seconds", 0...300), standard: "0",
        "How long the server goes on serving after SIGTERM, reporting that it is not ready, so that a load balancer notices."
    )
    static let eventRetention = Setting(
        "event-retention-days", .number("days", 0...36_500), standard: "30",
        "How long /v1/events reports a change. 0 keeps changes for ever.")
    static let logFormat = Setting(
        "log-format", .word(["auto", "json", "text"]), standard: "auto",
        "The format of log lines. auto writes text to a terminal and JSON elsewhere.")
    static let logLevel = Setting(
        "log-level", .word(["debug", "info", "warning", "error"]), standard: "info", isReloaded: true,
        "The lowest level that is logged. debug logs each request.")
    static let slowStatement = Setting(
        "slow-statement-ms", .number("milliseconds", 0...3_600_000), standard: "1000",
        "Log database statements that take longer, by name and without values. 0 logs none.")

    /// All settings, in the order of the documentation.
    static let all: [Setting] = [
        config, listen, adminListen, dataDir, databaseURL, databaseConnections, insecureNoAuth, tlsCert, tlsKey,
        tlsClientCA, oidcIssuer, oidcAudience, oidcJWKS, oidcScopeClaim, rateLimit, drainDelay, eventRetention,
        logFormat, logLevel, slowStatement,
    ]

    /// Environment variables of the commands that talk to a server.
    static let clientVariables: Set<String> = ["METAXY_SERVER", "METAXY_TOKEN", "METAXY_TOKEN_FILE"]
}

extension Setting {
    /// The option.
    var option: NameSpecification { .customLong(name) }

    /// The help of the option.
    var help: ArgumentHelp {
        let (values, valueName): (String, String) =
            switch kind {
            case .text(let name): ("", name)
            case .number(let name, let range): (" (\(range.lowerBound) to \(range.upperBound))", name)
            case .word(let words): (" (\(words.joined(separator: ", ")))", "word")
            case .flag: ("", "")
            }
        let standard = kind == .flag ? "" : standard.map { " (default: \($0))" } ?? ""
        return ArgumentHelp("\(summary)\(values)\(standard)", valueName: valueName)
    }

    /// The fault of a value; nil for none.
    func fault(in value: String) -> String? {
        switch kind {
        case .text: value.isEmpty ? "must not be empty" : nil
        case .number(_, let range):
            Int(value).map(range.contains) == true
                ? nil : "takes a whole number from \(range.lowerBound) to \(range.upperBound), not \"\(value)\""
        case .word(let words):
            words.contains(value) ? nil : "takes one of \(words.joined(separator: ", ")), not \"\(value)\""
        case .flag: ["true", "false"].contains(value) ? nil : "takes true or false, not \"\(value)\""
        }
    }
}
