// The size of types: how many members a type has over all its extensions.

import Foundation
import Testing

@Suite("Members")
struct MemberTests {
    /// The most members that a type may have. A reader can hold about 25; the rest is room.
    private static let membersMax = 30

    /// Types that have more, with how many they may have at most, and why. They may shrink, but not grow.
    private static let exceptions: [String: (most: Int, reason: String)] = [
        "Service.ServiceTransaction": (52, "the steps of deleting, restoring and marking are its own extensions"),
        "Service.TransactionLimits": (60, "a table of constants"),
        "Postgres.TypeOID": (40, "a table of constants"),
        "metaxyd.Setting": (36, "a table of constants"),
        "Postgres.Row": (56, "an accessor for each type of value, nullable or not"),
        "Store.WorkTable": (37, "a method for each statement on the work bitmaps"),
        "JSON.JSONReader": (50, "one state machine"),
        "HTTP.ConnectionMachine": (50, "one state machine"),
        "API.JSONWriter": (36, "a method for each kind of answer"),
    ]

    @Test("no type has more than 30 members, over all its extensions")
    func sizes() throws {
        let large = try Self.counts().filter { name, count in
            count > Self.exceptions[name]?.most ?? Self.membersMax
        }
        #expect(large.map { "\($0.key) has \($0.value) members" }.sorted() == [])
    }

    @Test("every exception is still needed")
    func exceptions() throws {
        let counts = try Self.counts()
        #expect(Self.exceptions.keys.filter { counts[$0, default: 0] <= Self.membersMax }.sorted() == [])
    }

    @Test("members are counted over extensions, nested types apart")
    func counting() {
        let lines = """
            public struct Outer {
                let one: Int
                private static let two = 2

                struct Inner {
                    var three: Int { 3 }
                }

                func four() {
                    let local = 1
                }
            }

            extension Outer {
                @discardableResult
                mutating func five() -> Int { 5 }
                enum Empty {}
                init?(six: Int) { nil }
            }
            """.components(separatedBy: "\n")
        #expect(Self.count(lines) == ["Outer": 5, "Outer.Inner": 1])
    }

    /// How many members each type has, by target and name.
    private static func counts() throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for file in try Tree.swiftFiles("Sources") {
            let target = String(file.path.split(separator: "/")[1])
            for (type, count) in count(file.lines) { counts["\(target).\(type)", default: 0] += count }
        }
        return counts
    }

    /// The members of each type of a formatted file: declarations one level below that of the type.
    private static func count(_ lines: [String]) -> [String: Int] {
        var counts: [String: Int] = [:]
        var open: [(indentation: Int, name: String)] = []
        for line in lines {
            let text = line.drop { $0 == " " }
            guard !text.isEmpty else { continue }
            let indentation = line.count - text.count
            while let last = open.last,
                indentation < last.indentation || (indentation == last.indentation && text.hasPrefix("}"))
            {
                open.removeLast()
            }
            let words = words(text)
            if let type = type(words) {
                let isNested = type.keyword != "extension" && !open.isEmpty
                let name = (isNested ? (open.last?.name ?? "") + "." : "") + type.name
                if !line.hasSuffix("}") { open.append((indentation, name)) }
            } else if let last = open.last, indentation == last.indentation + 4, isMember(words) {
                counts[last.name, default: 0] += 1
            }
        }
        return counts
    }

    private static let modifiers: Set<String> = [
        "public", "private", "fileprivate", "package", "internal", "final", "static", "mutating", "nonmutating",
        "consuming", "borrowing", "override", "required", "convenience", "lazy", "weak", "indirect", "nonisolated",
        "private(set)", "fileprivate(set)", "nonisolated(unsafe)",
    ]

    /// The words of a declaration from its keyword on, without attributes and modifiers.
    private static func words(_ text: Substring) -> [Substring] {
        Array(text.split(separator: " ").drop { $0.hasPrefix("@") || modifiers.contains(String($0)) })
    }

    private static func type(_ words: [Substring]) -> (keyword: Substring, name: String)? {
        guard words.count > 1, ["struct", "class", "enum", "actor", "extension", "protocol"].contains(words[0]) else {
            return nil
        }
        return (words[0], String(words[1].prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }))
    }

    private static func isMember(_ words: [Substring]) -> Bool {
        guard let first = words.first else { return false }
        return ["let", "var", "func"].contains(first)
            || ["init(", "init?(", "init<", "subscript(", "subscript<"].contains { first.hasPrefix($0) }
    }
}
