// The files of the project, as the tests of its form see them.

import Foundation

/// The project's own source files.
enum Tree {
    /// The top of the project.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A source file.
    struct File {
        /// Its path below the top.
        let path: String
        /// Its lines.
        let lines: [String]
    }

    /// The Swift files below a folder.
    static func swiftFiles(_ folder: String) throws -> [File] {
        let top = root.appendingPathComponent(folder)
        let names = try FileManager.default.subpathsOfDirectory(atPath: top.path)
        return try names.filter { $0.hasSuffix(".swift") }.sorted().map { name in
            let text = try String(contentsOf: top.appendingPathComponent(name), encoding: .utf8)
            return File(path: "\(folder)/\(name)", lines: text.components(separatedBy: "\n"))
        }
    }

    /// The targets below Sources that hold Swift.
    static func targets() throws -> [String] {
        Set(try swiftFiles("Sources").map { String($0.path.split(separator: "/")[1]) }).sorted()
    }
}
