// What the settings are, and who says so.

import Foundation

/// The value of each setting: what the command line says, else the environment, else the file, else the standard.
struct SettingValues: Sendable {
    /// Who says what a setting is.
    enum Source: String, Sendable {
        case option = "command line"
        case environment, file, standard
    }

    private let values: [Setting: (text: String, source: Source)]

    /// Collects the settings.
    ///
    /// - Parameter given: what the command line says.
    /// - Throws: 78 for what is unknown or impossible in the environment or the file; 64 on the command line.
    init(
        given: [Setting: String], environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ExitReason) {
        try Self.check(environment)
        var values: [Setting: (text: String, source: Source)] = [:]
        for setting in Setting.all {
            if let standard = setting.standard { values[setting] = (standard, .standard) }
        }
        let variables = Setting.all.compactMap { setting in
            environment[setting.variable].flatMap { $0.isEmpty ? nil : (setting, $0) }
        }
        let fromEnvironment = Dictionary(uniqueKeysWithValues: variables)
        if let path = given[.config] ?? fromEnvironment[.config] {
            for (setting, text) in try SettingFile.read(path) { values[setting] = (text, .file) }
        }
        for (setting, text) in fromEnvironment { values[setting] = (text, .environment) }
        for (setting, text) in given { values[setting] = (text, .option) }
        for (setting, value) in values {
            guard let fault = setting.fault(in: value.text) else { continue }
            throw ExitReason.setting("\(Self.place(setting, value.source)) \(fault)", value.source)
        }
        self.values = values
    }

    /// The text of a setting; nil where there is none.
    subscript(setting: Setting) -> String? { values[setting]?.text }

    /// Who says what a setting is; nil where there is nothing.
    func source(of setting: Setting) -> Source? { values[setting]?.source }

    /// A number that has been checked to be one.
    func number(_ setting: Setting) -> Int {
        guard let number = self[setting].flatMap({ Int($0) }) else {
            preconditionFailure("\(setting.name) was checked to be a number")
        }
        return number
    }

    /// What a setting is called where it was given.
    func place(_ setting: Setting) -> String { Self.place(setting, source(of: setting) ?? .standard) }

    private static func place(_ setting: Setting, _ source: Source) -> String {
        switch source {
        case .option: "--\(setting.name)"
        case .environment: setting.variable
        case .file, .standard: setting.name
        }
    }

    /// Refuses variables that look like settings and are none: a slip of the pen must not go unnoticed.
    private static func check(_ environment: [String: String]) throws(ExitReason) {
        let known = Setting.clientVariables.union(Setting.all.map(\.variable))
        // Kubernetes tells every container where services are, and one may be called metaxy.
        let link = /METAXY(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)[A-Z_]*)?)/
        let unknown = environment.keys.filter { name in
            name.hasPrefix("METAXY_") && !known.contains(name) && name.wholeMatch(of: link) == nil
        }.sorted()
        guard unknown.isEmpty else {
            throw .configuration("unknown settings in the environment: \(unknown.joined(separator: ", "))")
        }
    }
}

extension ExitReason {
    /// A setting that cannot be used: a matter of usage where the command line gives it.
    static func setting(_ message: String, _ source: SettingValues.Source?) -> ExitReason {
        source == .option ? .usage(message) : .configuration(message)
    }
}
