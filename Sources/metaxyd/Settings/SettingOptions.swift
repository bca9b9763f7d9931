// The command-line options for the settings.

import ArgumentParser

/// The options of `serve` and `config`.
struct SettingOptions: ParsableArguments {
    @Option(name: Setting.config.option, help: Setting.config.help)
    var config: String?

    @Option(name: Setting.listen.option, help: Setting.listen.help)
    var listen: String?

    @Option(name: Setting.adminListen.option, help: Setting.adminListen.help)
    var adminListen: String?

    @Option(name: Setting.dataDir.option, help: Setting.dataDir.help)
    var dataDir: String?

    @Option(name: Setting.databaseConnections.option, help: Setting.databaseConnections.help)
    var databaseConnections: String?

    @Flag(name: Setting.insecureNoAuth.option, help: Setting.insecureNoAuth.help)
    var insecureNoAuth = false

    @Option(name: Setting.tlsCert.option, help: Setting.tlsCert.help)
    var tlsCert: String?

    @Option(name: Setting.tlsKey.option, help: Setting.tlsKey.help)
    var tlsKey: String?

    @Option(name: Setting.tlsClientCA.option, help: Setting.tlsClientCA.help)
    var tlsClientCA: String?

    @Option(name: Setting.oidcIssuer.option, help: Setting.oidcIssuer.help)
    var oidcIssuer: String?

    @Option(name: Setting.oidcAudience.option, help: Setting.oidcAudience.help)
    var oidcAudience: String?

    @Option(name: Setting.oidcJWKS.option, help: Setting.oidcJWKS.help)
    var oidcJWKS: String?

    @Option(name: Setting.oidcScopeClaim.option, help: Setting.oidcScopeClaim.help)
    var oidcScopeClaim: String?

    @Option(name: Setting.rateLimit.option, help: Setting.rateLimit.help)
    var rateLimit: String?

    @Option(name: Setting.drainDelay.option, help: Setting.drainDelay.help)
    var drainDelay: String?

    @Option(name: Setting.eventRetention.option, help: Setting.eventRetention.help)
    var eventRetentionDays: String?

    @Option(name: Setting.logFormat.option, help: Setting.logFormat.help)
    var logFormat: String?

    @Option(name: Setting.logLevel.option, help: Setting.logLevel.help)
    var logLevel: String?

    @Option(name: Setting.slowStatement.option, help: Setting.slowStatement.help)
    var slowStatement: String?

    /// The settings that the command line gives.
    var given: [Setting: String] {
        let values: [(Setting, String?)] = [
            (.config, config), (.listen, listen), (.adminListen, adminListen), (.dataDir, dataDir),
            (.databaseConnections, databaseConnections), (.insecureNoAuth, insecureNoAuth ? "true" : nil),
            (.tlsCert, tlsCert), (.tlsKey, tlsKey), (.tlsClientCA, tlsClientCA),
            (.oidcIssuer, oidcIssuer), (.oidcAudience, oidcAudience), (.oidcJWKS, oidcJWKS),
            (.oidcScopeClaim, oidcScopeClaim), (.rateLimit, rateLimit),
            (.drainDelay, drainDelay), (.eventRetention, eventRetentionDays), (.logFormat, logFormat),
            (.logLevel, logLevel),
            (.slowStatement, slowStatement),
        ]
        return Dictionary(uniqueKeysWithValues: values.compactMap { setting, value in value.map { (setting, $0) } })
    }
}

/// The options of commands that open the database themselves.
struct DatabaseOptions: ParsableArguments {
    @Option(name: Setting.config.option, help: Setting.config.help)
    var config: String?

    @Option(name: Setting.dataDir.option, help: Setting.dataDir.help)
    var dataDir: String?

    /// The checked configuration.
    func configuration() throws(ExitReason) -> Configuration {
        var given: [Setting: String] = [:]
        given[.config] = config
        given[.dataDir] = dataDir
        return try Configuration(SettingValues(given: given))
    }
}
