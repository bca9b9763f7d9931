// The settings file, in TOML: its names and the types of its values.

import Foundation
import JSON

/// Reads files such as `listen = "0.0.0.0:8080"`, `rate-limit = 100` and `# a comment`.
enum SettingFile {
    /// The settings of a file.
    ///
    /// - Throws: 78 if the file cannot be read, is not TOML, or names something that is not a setting.
    static func read(_ path: String) throws(ExitReason) -> [Setting: String] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .configuration("cannot read the settings file \(path)")
        }
        let document: JSONValue
        do throws(TOMLDocument.Malformed) { document = try TOMLDocument.json(data) } catch {
            throw .configuration("the settings file \(path) is not TOML: \(error.detail)")
        }
        var values: [Setting: String] = [:]
        for member in document.objectValue ?? [:] {
            let name = member.name
            guard let setting = Setting.all.first(where: { $0.name == name }), setting != .config else {
                throw .configuration("\(path): unknown setting \"\(name)\"")
            }
            guard let text = text(member.value) else {
                throw .configuration("\(path): \(name) must be a string, an integer, true or false")
            }
            values[setting] = text
        }
        return values
    }

    /// A value as the command line would give it; nil for a table, an array or a fraction.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .bool(let isOn): isOn ? "true" : "false"
        default: nil
        }
    }
}
