// The rooms of the targets: the folders below Sources, their files, and the types that each room uses of others.

import Foundation

/// A folder of Swift files in Sources: a room of a target, or a target without rooms.
struct Room: Hashable {
    /// The target.
    let target: String
    /// The folder within the target; empty for files that lie in no room.
    let name: String

    /// The folder below the top of the project.
    var path: String { name.isEmpty ? "Sources/\(target)" : "Sources/\(target)/\(name)" }

    /// The room of a file.
    init(_ file: Tree.File) {
        let parts = file.path.split(separator: "/").dropFirst().dropLast()
        target = parts.first.map(String.init) ?? ""
        name = parts.dropFirst().joined(separator: "/")
    }

    /// All rooms with their files.
    static func all() throws -> [Room: [Tree.File]] {
        Dictionary(grouping: try Tree.swiftFiles("Sources"), by: Room.init)
    }
}

/// Which rooms of a target use which, by the names of their types.
///
/// A use is the name of a type that only one other room declares at the top level of a file. Members that a room adds to
/// a type of another room do not count, nor do words in comments and strings.
struct RoomUses {
    /// A use with the file and the type that show it.
    struct Use {
        let user: String
        let used: String
        let file: String
        let type: String
    }

    let uses: [Use]

    init(target: String) throws {
        let files = try Tree.swiftFiles("Sources/\(target)")
        var homes: [String: Set<String>] = [:]
        for file in files {
            for line in file.lines {
                if let type = Self.declaredType(line) { homes[type, default: []].insert(Room(file).name) }
            }
        }
        var uses: [Use] = []
        for file in files {
            let user = Room(file).name
            for type in Self.typeNames(file.lines).sorted() {
                guard let rooms = homes[type], rooms.count == 1, let used = rooms.first, used != user else { continue }
                uses.append(Use(user: user, used: used, file: file.path, type: type))
            }
        }
        self.uses = uses
    }

    /// The name of the type that a line declares at the top level of its file, unless the type is private.
    static func declaredType(_ line: String) -> String? {
        let kinds: Set = ["struct", "class", "enum", "actor", "protocol", "typealias"]
        let modifiers: Set = ["public", "package", "internal", "final", "indirect", "nonisolated"]
        var words = line.prefix { $0 != "{" && $0 != ":" && $0 != "<" && $0 != "=" }.split(separator: " ")[...]
        guard let first = line.utf8.first, first != UInt8(ascii: " ") else { return nil }
        while let word = words.first, word.hasPrefix("@") || modifiers.contains(String(word)) {
            words = words.dropFirst()
        }
        guard words.count >= 2, let kind = words.first, kinds.contains(String(kind)) else { return nil }
        return String(words[words.startIndex + 1])
    }

    /// The capitalised words of code, without those behind a dot, in comments and in strings.
    static func typeNames(_ lines: [String]) -> Set<String> {
        var names: Set<String> = []
        var isInText = false
        for line in lines {
            if line.contains("\"\"\"") {
                isInText.toggle()
            } else if !isInText {
                collect(Array(line.utf8), into: &names)
            }
        }
        return names
    }

    private static func collect(_ line: [UInt8], into names: inout Set<String>) {
        func isWord(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
        }
        var position = 0
        while position < line.count {
            let byte = line[position]
            if byte == UInt8(ascii: "/"), position + 1 < line.count, line[position + 1] == byte { return }
            if byte == UInt8(ascii: "\"") {
                position += 1
                while position < line.count, line[position] != byte {
                    position += line[position] == UInt8(ascii: "\\") ? 2 : 1
                }
                position += 1
            } else if isWord(byte) {
                let start = position
                while position < line.count, isWord(line[position]) { position += 1 }
                let isMember = start > 0 && line[start - 1] == UInt8(ascii: ".")
                if !isMember, byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") {
                    names.insert(String(decoding: line[start..<position], as: UTF8.self))
                }
            } else {
                position += 1
            }
        }
    }
}
