// Every setting of the program: options, environment variables, lines of the file, the table of docs/configuration.md and
// the output of `metaxyd config` all come from this one list.

import ArgumentParser

/// A setting.
struct Setting: Hashable, Sendable {
    /// What kind of text its value is.
    enum Kind: Hashable, Sendable {
        /// A text, called so in the help.
        case text(String)
        /// A whole number within bounds, called so in the help.
        case number(String, ClosedRange<Int>)
        /// One of these words.
        case word([String])
        /// True or false; as an option it stands without a value.
        case flag
    }

    /// Its name as an option, and in the file.
    let name: String
    /// The environment variable.
    let variable: String
    /// What it is when nobody says; nil for nothing.
    let standard: String?
    /// What kind of text it is.
    let kind: Kind
    /// What it does.
    let summary: String
    /// Whether it is never shown, and not taken from the command line, which others on the machine can read.
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

    static let config = Setting("config", .text("file"), "A file with settings, a line each: name = value.")
    static let listen = Setting(
        "listen", .text("address"), standard: "127.0.0.1:8080", "Where to listen; port 0 picks one.")
    static let adminListen = Setting(
        "admin-listen", .text("address"),
        "Serve health and metrics here as well, to everyone: an address for those who look after the server.")
    static let dataDir = Setting(
        "data-dir", .text("directory"), standard: "./metaxy-data",
        "Where the embedded PostgreSQL lives when there is no database-url.")
    static let databaseURL = Setting(
        "database-url", .text("string"), variable: "DATABASE_URL", isSecret: true,
        "The PostgreSQL to use, a libpq connection string or URI; without it an embedded one is run.")
    static let databaseConnections = Setting(
        "database-connections", .number("count", 1...1_000), standard: "8", "Connections to PostgreSQL at most.")
    static let insecureNoAuth = Setting(
        "insecure-no-auth", .flag, standard: "false",
        "Let everyone do everything; only where nobody but this machine can connect.")
    static let tlsCert = Setting(
        "tls-cert", .text("file"), isReloaded: true,
        "Serve TLS 1.2 and 1.3 with this certificate, in PEM with its chain.")
    static let tlsKey = Setting(
        "tls-key", .text("file"), isReloaded: true,
        "The certificate's private key, in PEM and without a passphrase.")
    static let tlsClientCA = Setting(
        "tls-client-ca", .text("file"), isReloaded: true,
        "Refuse clients without a certificate of one of these authorities, in PEM.")
    static let oidcIssuer = Setting(
        "oidc-issuer", .text("issuer"),
        "Accept tokens of this OpenID Connect issuer as well, signed with RS256 or ES256; as their iss has it.")
    static let oidcAudience = Setting(
        "oidc-audience", .text("audience"), "Whom the issuer's tokens must be for: one of their aud.")
    static let oidcJWKS = Setting(
        "oidc-jwks", .text("place"),
        "Where the issuer's public keys are: an https URL, or a file. Read again every ten minutes, and for a new key.")
    static let oidcScopeClaim = Setting(
        "oidc-scope-claim", .text("claim"), standard: "scope",
        "Which claim of the issuer's tokens lists what they may do: metaxy:read, metaxy:write and so on.")
    static let rateLimit = Setting(
        "rate-limit", .number("requests", 0...1_000_000), standard: "0",
        "Requests a second that a token may make of this process, ten times as many at once; 0 for any number.")
    static let drainDelay = Setting(
        "drain-delay", .number("seconds", 0...300), standard: "0",
        "Go on serving for so long after SIGTERM, while not ready, for a load balancer to notice.")
    static let eventRetention = Setting(
        "event-retention-days", .number("days", 0...36_500), standard: "30",
        "For how long /v1/events tells a change, and the log keeps one that leaves nothing behind; 0 for ever.")
    static let logFormat = Setting(
        "log-format", .word(["auto", "json", "text"]), standard: "auto",
        "How log lines look; auto is text on a terminal and JSON elsewhere.")
    static let logLevel = Setting(
        "log-level", .word(["debug", "info", "warning", "error"]), standard: "info", isReloaded: true,
        "Which log lines are written; debug has one for each request.")
    static let slowStatement = Setting(
        "slow-statement-ms", .number("milliseconds", 0...3_600_000), standard: "1000",
        "Log database statements that take longer, by name and without values; 0 for none.")

    /// All of them, in the order of the documentation.
    static let all: [Setting] = [
        config, listen, adminListen, dataDir, databaseURL, databaseConnections, insecureNoAuth, tlsCert, tlsKey,
        tlsClientCA, oidcIssuer, oidcAudience, oidcJWKS, oidcScopeClaim, rateLimit, drainDelay, eventRetention,
        logFormat,
        logLevel, slowStatement,
    ]

    /// Variables that commands read which talk to a server.
    static let clientVariables: Set<String> = ["METAXY_SERVER", "METAXY_TOKEN", "METAXY_TOKEN_FILE"]
}

extension Setting {
    /// Its name as an option.
    var option: NameSpecification { .customLong(name) }

    /// What the help says of it.
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

    /// What is wrong with a value; nil for nothing.
    func fault(in value: String) -> String? {
        switch kind {
        case .text: value.isEmpty ? "must not be empty" : nil
        case .number(_, let range):
            Int(value).map(range.contains) == true
                ? nil : "takes a number from \(range.lowerBound) to \(range.upperBound), not \"\(value)\""
        case .word(let words):
            words.contains(value) ? nil : "takes one of \(words.joined(separator: ", ")), not \"\(value)\""
        case .flag: ["true", "false"].contains(value) ? nil : "takes true or false, not \"\(value)\""
        }
    }
}
