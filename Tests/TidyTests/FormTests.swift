// The form of the sources: lengths, words, and constructions that need a reason.

import Foundation
import Testing

@Suite("Form")
struct FormTests {
    private static let fileLinesMax = 400
    private static let functionLinesMax = 70

    /// Constructions that are allowed only where a reason stands on the line or just above it.
    private static let reasoned = ["@unchecked Sendable", "nonisolated(unsafe)", " try!", "Task.detached", " try?"]

    private static let banned = ["TODO", "FIXME", "fatalError(", " print("]

    @Test("no file is longer than 400 lines")
    func fileLengths() throws {
        let long = try Self.sources().filter { $0.lines.count > Self.fileLinesMax }.map(\.path)
        #expect(long == [])
    }

    @Test("no function is longer than 70 lines")
    func functionLengths() throws {
        var long: [String] = []
        for file in try Self.sources() {
            for function in Self.functions(file) where function.length > Self.functionLinesMax {
                long.append("\(file.path):\(function.line) has \(function.length) lines")
            }
        }
        #expect(long == [])
    }

    @Test("every file begins with a line that says what it holds")
    func headers() throws {
        let bare = try Self.sources().filter { !($0.lines.first ?? "").hasPrefix("// ") }.map(\.path)
        #expect(bare == [])
    }

    @Test("what needs a reason has one")
    func reasons() throws {
        var bare: [String] = []
        for file in try Self.sources() where file.path.hasPrefix("Sources/") {
            for (number, line) in file.lines.enumerated() {
                let code = Self.code(line)
                guard Self.reasoned.contains(where: code.contains) else { continue }
                let before = file.lines[..<number].map { $0.trimmingPrefix(while: \.isWhitespace) }
                    .last { !$0.hasPrefix("@") }
                if !line.contains("//") && before?.hasPrefix("//") != true {
                    bare.append("\(file.path):\(number + 1)")
                }
            }
        }
        #expect(bare == [])
    }

    @Test("no unfinished word and no stray output")
    func bannedWords() throws {
        var found: [String] = []
        for file in try Self.sources() where file.path.hasPrefix("Sources/") {
            for (number, line) in file.lines.enumerated() {
                for word in Self.banned where line.contains(word) {
                    found.append("\(file.path):\(number + 1) has \(word)")
                }
            }
        }
        #expect(found == [])
    }

    @Test("every target of tests is among those that make test runs")
    func targets() throws {
        let tests = Set(try Tree.swiftFiles("Tests").map { String($0.path.split(separator: "/")[1]) })
        let makefile = try String(contentsOf: Tree.root.appendingPathComponent("Makefile"), encoding: .utf8)
        let words = Set(makefile.split { $0.isWhitespace })
        #expect(tests.filter { $0.hasSuffix("Tests") && !words.contains($0[...]) }.sorted() == [])
    }

    private static func sources() throws -> [Tree.File] {
        try Tree.swiftFiles("Sources") + Tree.swiftFiles("migrations")
    }

    private static func code(_ line: String) -> String {
        guard let comment = line.firstRange(of: "//") else { return line }
        return String(line[..<comment.lowerBound])
    }

    /// The functions of a formatted file: from the line of `func` or `init` to the closing brace of its indentation.
    private static func functions(_ file: Tree.File) -> [(line: Int, length: Int)] {
        var found: [(line: Int, length: Int)] = []
        for (number, line) in file.lines.enumerated() {
            let text = code(line)
            guard text.contains("func ") || text.contains(" init(") || text.contains(" init?(") else { continue }
            let indentation = line.prefix { $0 == " " }
            let end = file.lines[number...].firstIndex { $0 == indentation + "}" }
            if let end { found.append((number + 1, end - number + 1)) }
        }
        return found
    }
}
