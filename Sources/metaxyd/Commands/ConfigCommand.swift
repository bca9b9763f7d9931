// metaxyd config: shows the settings and where each comes from.

import ArgumentParser
import JSON

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show the settings that serve would use, and where each comes from.",
        discussion: "Secrets are hidden. Exits with 78 if a setting is unknown or unusable. Opens no database.")

    @OptionGroup(title: "Settings")
    var options: SettingOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(help: "Print all settings as the table of docs/configuration.md.")
    var reference = false

    func run() async throws {
        if reference { return Output.text(Self.referenceTable) }
        do throws(ExitReason) {
            let values = try SettingValues(given: options.given)
            _ = try Configuration(values)
            Output.text(json ? Self.document(values) : Self.table(values))
        } catch {
            throw error.exit()
        }
    }

    private static func shown(_ setting: Setting, _ values: SettingValues) -> String? {
        values[setting].map { setting.isSecret ? "(hidden)" : $0 }
    }

    private static func table(_ values: SettingValues) -> String {
        var table = Table(["setting", "value", "from"])
        for setting in Setting.all {
            table.add([
                setting.name, shown(setting, values) ?? "-", values.source(of: setting)?.rawValue ?? "-",
            ])
        }
        return table.text
    }

    private static func document(_ values: SettingValues) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        for setting in Setting.all {
            writer.key(setting.name)
            writer.beginObject()
            writer.key("value")
            if let value = shown(setting, values) { writer.string(value) } else { writer.null() }
            writer.key("from")
            if let source = values.source(of: setting) { writer.string(source.rawValue) } else { writer.null() }
            writer.endObject()
        }
        writer.endObject()
        writer.endLine()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The table of docs/configuration.md.
    private static var referenceTable: String {
        let rows = Setting.all.map { setting in
            let option = setting.isSecret ? "" : "`--\(setting.name)`"
            let standard = setting.standard.map { "`\($0)`" } ?? ""
            let line = setting == .config ? "" : "`\(setting.name)`"
            let again = setting.isReloaded ? " Read again at SIGHUP." : ""
            return "| \(option) | `\(setting.variable)` | \(line) | \(standard) | \(setting.summary)\(again) |\n"
        }
        return "| option | environment | file | default | meaning |\n|---|---|---|---|---|\n"
            + rows.joined()
    }
}
