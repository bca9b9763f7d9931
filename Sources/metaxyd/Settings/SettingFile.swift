// The file of settings: a part of TOML, a line each.

import Foundation

/// Reads files of lines such as `listen = "0.0.0.0:8080"`, `rate-limit = 100` and `# a remark`.
enum SettingFile {
    /// The settings of a file.
    ///
    /// - Throws: 78 where it cannot be read, or has a line that is no setting; the text names the line.
    static func read(_ path: String) throws(ExitReason) -> [Setting: String] {
        guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
        else { throw .configuration("the file \(path) cannot be read as UTF-8 text") }
        var values: [Setting: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = line.trimming
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            func refuse(_ fault: String) -> ExitReason { .configuration("\(path), line \(index + 1): \(fault)") }
            guard let equals = trimmed.firstIndex(of: "=") else { throw refuse("expected name = value") }
            let name = String(trimmed[..<equals].trimming)
            guard let setting = Setting.all.first(where: { $0.name == name }), setting != .config else {
                throw refuse("unknown setting \"\(name)\"")
            }
            guard let value = value(trimmed[trimmed.index(after: equals)...].trimming) else {
                throw refuse("expected a text in quotes, a number, true or false")
            }
            guard values.updateValue(value, forKey: setting) == nil else { throw refuse("\(name) comes twice") }
        }
        return values
    }

    /// The value that a piece of a line says; nil where it says none.
    private static func value(_ text: Substring) -> String? {
        guard let quote = text.first, quote == "\"" || quote == "'" else {
            let bare = text.prefix { $0 != "#" }.trimming
            return bare == "true" || bare == "false" || Int(bare) != nil ? String(bare) : nil
        }
        var value = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                let remark = rest.trimming
                return remark.isEmpty || remark.hasPrefix("#") ? value : nil
            }
            guard character == "\\", quote == "\"" else {
                value.append(character)
                continue
            }
            guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else { return nil }
            value.append(escaped)
        }
        return nil
    }
}

extension Substring {
    /// Without white space at either end.
    fileprivate var trimming: Substring {
        var text = drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
