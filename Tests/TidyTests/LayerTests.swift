// The layers: which target may import which. SwiftPM does not enforce it.

import Testing

@Suite("Layers")
struct LayerTests {
    /// What each target may import. Arrows point down only.
    private static let allowed: [String: Set<String>] = [
        "Base": [],
        "JSON": ["Base"],
        "Feature": ["Base", "CDigest", "JSON"],
        "HTTP": ["Base"],
        "Gzip": ["CZlib"],
        "Threads": ["CLinux", "Glibc"],
        "Sockets": ["CLinux", "COpenSSL", "Dispatch", "Glibc", "Synchronization", "Threads"],
        "Postgres": ["Base", "CPostgres", "Dispatch", "Glibc", "Synchronization", "Threads"],
        "WebToken": ["Base", "COpenSSL", "JSON"],
        "HTTPServer": ["Base", "Glibc", "HTTP", "Sockets", "Synchronization"],
        "Store": ["Base", "Feature", "JSON", "Migrations", "Postgres", "StoreSQL"],
        "Service": ["Base", "Feature", "JSON", "Postgres", "Store", "Synchronization"],
        "API": [
            "Base", "CContract", "Feature", "Gzip", "HTTP", "JSON", "Postgres", "Service", "Store",
            "Synchronization", "WebToken",
        ],
        "metaxyd": [
            "API", "ArgumentParser", "Base", "Dispatch", "Feature", "Foundation", "FoundationNetworking", "Glibc",
            "Gzip",
            "HTTP", "HTTPServer", "JSON", "Postgres", "Service", "Sockets", "Store", "Synchronization", "TOMLKit",
            "WebToken",
        ],
    ]

    @Test("every target imports only what its layer may")
    func imports() throws {
        var wrong: [String] = []
        for file in try Tree.swiftFiles("Sources") {
            let target = String(file.path.split(separator: "/")[1])
            for (number, line) in file.lines.enumerated() {
                guard let module = Self.module(line) else { continue }
                if Self.allowed[target]?.contains(module) != true {
                    wrong.append("\(file.path):\(number + 1) imports \(module)")
                }
            }
        }
        #expect(wrong == [])
    }

    @Test("every target has its place in the layers")
    func targets() throws {
        #expect(try Tree.targets() == Self.allowed.keys.sorted())
    }

    @Test("the allowed imports have no cycle")
    func acyclic() {
        var open = Self.allowed
        while let free = open.first(where: { entry in entry.value.allSatisfy { open[$0] == nil } })?.key {
            open[free] = nil
        }
        #expect(open.keys.sorted() == [])
    }

    private static func module(_ line: String) -> String? {
        let words = line.split(separator: " ").map(String.init)
        guard let place = words.firstIndex(of: "import"), place <= 1, place + 1 < words.count else { return nil }
        if place == 1, !["public", "internal", "package", "@testable", "private", "fileprivate"].contains(words[0]) {
            return nil
        }
        return words[place + 1]
    }
}
