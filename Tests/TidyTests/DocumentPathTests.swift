// Paths, links, suites and decisions that the documents name exist.

import Foundation
import Testing

@Suite("Paths in documents")
struct DocumentPathTests {
    /// A document: its path below the top, and its text.
    private struct Document {
        let path: String
        let text: String

        /// What a pattern's first group matches.
        func matches(_ pattern: Regex<(Substring, Substring)>) -> [String] {
            text.matches(of: pattern).map { String($0.1) }
        }
    }

    /// Every Markdown file outside the folders that are built.
    private static func documents() throws -> [Document] {
        let folders = ["docs", "demo", "bench", "deploy", "Sources", "Tests"]
        let below = try folders.flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: Tree.root.appendingPathComponent(folder).path)
                .map { "\(folder)/\($0)" }
        }
        return try (["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] + below.sorted()).filter { $0.hasSuffix(".md") }
            .map {
                Document(path: $0, text: try String(contentsOf: Tree.root.appendingPathComponent($0), encoding: .utf8))
            }
    }

    private static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: Tree.root.appendingPathComponent(path).path)
    }

    @Test("each path in backquotes is a file or a folder")
    func paths() throws {
        let pattern = /`((?:Sources|Tests|docs|migrations|scripts|deploy|bench|demo|fuzz)\/[A-Za-z0-9_.+\/-]*)[^`]*`/
        let made = ["demo/media"]
        var checked = 0
        var missing: [String] = []
        for document in try Self.documents() {
            for path in document.matches(pattern) where !made.contains(path) {
                checked += 1
                if !Self.exists(path) { missing.append("\(document.path): \(path)") }
            }
        }
        #expect(missing == [])
        #expect(checked > 20)
    }

    @Test("each link to a file leads to a file, and each anchor to a heading")
    func links() throws {
        let documents = try Self.documents()
        var broken: [String] = []
        for document in documents {
            for link in document.matches(/\]\(([^)\s]+)\)/) where !link.contains("://") {
                let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                let folder = document.path.split(separator: "/").dropLast()
                let path =
                    parts[0].isEmpty
                    ? document.path : Self.resolved(folder + parts[0].split(separator: "/"))
                guard Self.exists(path) else {
                    broken.append("\(document.path): \(link)")
                    continue
                }
                guard parts.count == 2, let target = documents.first(where: { $0.path == path }) else { continue }
                let anchors = target.matches(/(?m)^#+ (.+)$/).map(Self.anchor)
                if !anchors.contains(String(parts[1])) { broken.append("\(document.path): \(link)") }
            }
        }
        #expect(broken == [])
    }

    @Test("each suite of tests, each Swift file and each decision that is named exists")
    func names() throws {
        let names = try Set(
            (Tree.swiftFiles("Sources") + Tree.swiftFiles("Tests")).map { file in
                String(file.path.split(separator: "/").last ?? "")
            })
        let decisions = try FileManager.default.contentsOfDirectory(
            atPath: Tree.root.appendingPathComponent("docs/decisions").path
        ).map { $0.prefix(4) }
        var missing: [String] = []
        for document in try Self.documents() {
            for suite in document.matches(/`([A-Z][A-Za-z]+Tests)(?:\.\w+)?`/)
            where !names.contains(suite + ".swift") && !Self.exists("Tests/\(suite)") {
                missing.append("\(document.path): \(suite)")
            }
            for file in document.matches(/`([A-Za-z+]+\.swift)`/) where !names.contains(file) {
                missing.append("\(document.path): \(file)")
            }
            for number in document.matches(/decisions?[\/ ](\d{4})/) where !decisions.contains(number[...]) {
                missing.append("\(document.path): decision \(number)")
            }
        }
        #expect(missing == [])
    }

    /// A path without "." and "..".
    private static func resolved(_ parts: some Sequence<Substring>) -> String {
        parts.reduce(into: [Substring]()) { path, part in
            if part == ".." { _ = path.popLast() } else if part != "." { path.append(part) }
        }.joined(separator: "/")
    }

    /// The anchor that a heading has.
    private static func anchor(_ heading: String) -> String {
        String(
            heading.lowercased().filter { $0.isLetter || $0.isNumber || " -_".contains($0) }.map {
                $0 == " " ? "-" : $0
            })
    }
}
