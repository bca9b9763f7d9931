// The values of the settings and where each comes from: option, environment, file or default.

import Foundation

/// The value of each setting: the option's, else the environment's, else the file's, else the default.
struct SettingValues: Sendable {
    /// Where a value comes from.
    enum Source: String, Sendable {
        case option = "command line"
        case environment, file
        case standard = "default"
    }

    private let values: [Setting: (text: String, source: Source)]

    /// Collects the settings.
    ///
    /// - Parameter given: the options of the command line.
    /// - Throws: 78 for an unknown name or an unusable value in the environment or the file; 64 on the command line.
    init(
        given: [Setting: String], environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ExitReason) {
        try Self.check(environment)
        var values: [Setting: (text: String, source: Source)] = [:]
        for setting in Setting.all {
            if let standard = setting.standard { values[setting] = (standard, .standard) }
        }
        let variables = Setting.all.compactMap { setting in
            // A file that is read into a variable often ends with a newline.
            environment[setting.variable].map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
                .flatMap { $0.isEmpty ? nil : (setting, $0) }
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

    /// The text of a setting; nil if it is not set.
    subscript(setting: Setting) -> String? { values[setting]?.text }

    /// Where the value of a setting comes from; nil if it is not set.
    func source(of setting: Setting) -> Source? { values[setting]?.source }

    /// The value of a numeric setting, which is checked before.
    func number(_ setting: Setting) -> Int {
        guard let number = self[setting].flatMap({ Int($0) }) else {
            preconditionFailure("\(setting.name) was checked to be a number")
        }
        return number
    }

    /// The name of a setting in the place that sets it.
    func place(_ setting: Setting) -> String { Self.place(setting, source(of: setting) ?? .standard) }

    private static func place(_ setting: Setting, _ source: Source) -> String {
        switch source {
        case .option: "--\(setting.name)"
        case .environment: setting.variable
        case .file, .standard: setting.name
        }
    }

    /// Refuses unknown METAXY_ variables, so that a misspelt setting does not go unnoticed.
    private static func check(_ environment: [String: String]) throws(ExitReason) {
        let known = Setting.clientVariables.union(Setting.all.map(\.variable))
        // Kubernetes sets such variables in every container for a service called metaxy.
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
    /// An unusable setting: wrong usage (64) on the command line, bad configuration (78) elsewhere.
    static func setting(_ message: String, _ source: SettingValues.Source?) -> ExitReason {
        source == .option ? .usage(message) : .configuration(message)
    }
}
