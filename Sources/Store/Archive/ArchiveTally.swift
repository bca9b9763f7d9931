// What an archive has: its sections, counted and digested.

import Feature
import JSON

/// A section of an archive, as far as it was written or read.
public struct ArchiveTally: Sendable {
    /// The name of the section: that of its table.
    public let name: String
    /// The id space or the number of the feature, where it is one partition of several.
    public let partition: Int32?
    /// How many rows it has.
    public private(set) var rows: Int64 = 0
    private var digest = ContentDigest()

    init(_ section: ArchiveSection) {
        name = section.name
        partition = section.partition
    }

    /// Counts a row.
    mutating func add(_ line: [UInt8]) {
        rows += 1
        digest.add(line)
        digest.add([UInt8(ascii: "\n")])
    }

    /// What the trailer of the archive says of the section.
    var trailer: JSONValue {
        let counts: [(String, JSONValue)] = [("rows", .integer(rows)), ("sha256", .string(hexadecimal))]
        let place = partition.map { [("partition", JSONValue.integer(Int64($0)))] } ?? []
        var object: JSONObject = ["name": .string(name)]
        for (member, value) in place + counts where !object.append(member, value) {
            preconditionFailure("the names of the members differ")
        }
        return .object(object)
    }

    private var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        let text = digest.value.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The lines of an archive that are not rows. No table has a column of the first one's name.
enum ArchiveMark {
    /// The first member of each.
    static let member = "metaxy"
    static let prefix = Array(#"{"metaxy":"#.utf8)
    /// The version of the form of archives.
    static let version: Int64 = 1

    static func isMark(_ line: [UInt8]) -> Bool { line.starts(with: prefix) }

    static func bytes(_ kind: String, _ members: [(String, JSONValue)]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key(member)
        writer.string(kind)
        for (name, value) in members {
            writer.key(name)
            writer.value(value)
        }
        writer.endObject()
        return writer.bytes
    }

    /// The line before the rows of a section.
    static func begin(_ section: ArchiveSection) -> [UInt8] {
        var members: [(String, JSONValue)] = [("name", .string(section.name))]
        if let partition = section.partition { members.append(("partition", .integer(Int64(partition)))) }
        return bytes("section", members)
    }

    /// The last line.
    static func end(_ tallies: [ArchiveTally]) -> [UInt8] {
        bytes("end", [("sections", .array(tallies.map(\.trailer)))])
    }
}
