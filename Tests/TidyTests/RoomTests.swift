// The rooms below Sources: READMEs, sizes, and names and first lines by which a stranger finds a file.

import Foundation
import Testing

@Suite("Rooms")
struct RoomTests {
    private static let filesMax = 20
    private static let readmeLinesMax = 15
    private static let firstLineWordsMin = 4

    @Test("no room has more than 20 files")
    func sizes() throws {
        let large = try Room.all().filter { $0.value.count > Self.filesMax }
        #expect(large.map { "\($0.key.path) has \($0.value.count) files" }.sorted() == [])
    }

    @Test("every room has a README of at most 15 lines")
    func readmes() throws {
        var wrong: [String] = []
        for path in try Room.all().keys.map(\.path).sorted() {
            let readme = Tree.root.appendingPathComponent(path).appendingPathComponent("README.md")
            guard FileManager.default.fileExists(atPath: readme.path) else {
                wrong.append("\(path) has no README.md")
                continue
            }
            let text = try String(contentsOf: readme, encoding: .utf8)
            let lines =
                text.split(separator: "\n", omittingEmptySubsequences: false).count - (text.hasSuffix("\n") ? 1 : 0)
            if lines > Self.readmeLinesMax { wrong.append("\(path)/README.md has \(lines) lines") }
            if lines < 2 { wrong.append("\(path)/README.md says nothing") }
        }
        #expect(wrong == [])
    }

    @Test("no two files of Sources have the same name")
    func basenames() throws {
        let files = try Tree.swiftFiles("Sources").map(\.path)
        let twice = Dictionary(grouping: files) { $0.split(separator: "/").last.map(String.init) ?? "" }
            .filter { $0.value.count > 1 }
        #expect(twice.values.flatMap { $0 }.sorted() == [])
    }

    @Test("every first line is a sentence that no other file begins with")
    func firstLines() throws {
        var wrong: [String] = []
        var files: [String: String] = [:]
        for file in try Tree.swiftFiles("Sources") {
            let line = (file.lines.first ?? "").dropFirst(3)
            let name = file.path.split(separator: "/").last?.prefix { $0 != "." } ?? ""
            if let other = files.updateValue(file.path, forKey: String(line)) {
                wrong.append("\(file.path) begins like \(other)")
            }
            if line.split(separator: " ").count < Self.firstLineWordsMin {
                wrong.append("\(file.path): \"\(line)\" is short")
            }
            if !line.hasSuffix(".") { wrong.append("\(file.path): \"\(line)\" is no sentence") }
            if line.hasPrefix("\(name):") { wrong.append("\(file.path): the first line repeats the file's name") }
        }
        #expect(wrong == [])
    }
}
