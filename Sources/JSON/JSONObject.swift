// The members of a JSON object, in the order of the document.

/// An object of a JSON tree: members in document order, found by name.
///
/// Names are compared as their UTF-8 bytes, never by Unicode equivalence: a precomposed and a decomposed `é` are two
/// names, as in Python and PostgreSQL. Two objects are equal when they have the same members in any order (RFC 8259
/// section 4).
public struct JSONObject: Sendable {
    /// One member.
    public struct Member: Sendable {
        /// The name, unescaped.
        public let name: String
        /// The value.
        public let value: JSONValue
    }

    /// The members in document order.
    public private(set) var members: [Member] = []
    /// Where each name is, kept only above ``scanMax`` members: below, a scan costs less than hashing.
    private var index: [NameBytes: Int] = [:]

    private static let scanMax = 8

    /// An object without members.
    public init() {}

    /// The number of members.
    public var count: Int { members.count }

    /// The names in document order.
    public var keys: [String] { members.map(\.name) }

    /// The value of the member `name`, or nil when there is none.
    ///
    /// - Complexity: O(1) in the number of members.
    public subscript(name: String) -> JSONValue? {
        position(of: name).map { members[$0].value }
    }

    /// Adds a member at the end.
    ///
    /// - Returns: false, with nothing changed, when there is a member of that name already.
    public mutating func append(_ name: String, _ value: JSONValue) -> Bool {
        guard position(of: name) == nil else { return false }
        members.append(Member(name: name, value: value))
        if members.count == Self.scanMax + 1 {
            for (position, member) in members.enumerated() { index[NameBytes(name: member.name)] = position }
        } else if members.count > Self.scanMax {
            index[NameBytes(name: name)] = members.count - 1
        }
        return true
    }

    private func position(of name: String) -> Int? {
        if members.count > Self.scanMax { return index[NameBytes(name: name)] }
        // Equal bytes imply equal strings, and unequal strings are told apart faster.
        return members.firstIndex { $0.name == name && $0.name.utf8.elementsEqual(name.utf8) }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Makes an object of members with distinct names.
    public init(dictionaryLiteral members: (String, JSONValue)...) {
        for (name, value) in members {
            let isNew = append(name, value)
            precondition(isNew, "the names of an object literal are distinct")
        }
    }
}

extension JSONObject: Sequence {
    /// Goes through the members in document order.
    public func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
}

extension JSONObject: Hashable {
    /// True when both have the same members, in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.name] == $0.value }
    }

    /// Feeds the members in a way that does not depend on their order.
    public func hash(into hasher: inout Hasher) {
        var sum = 0
        for member in members {
            var inner = Hasher()
            NameBytes(name: member.name).hash(into: &inner)
            member.value.hash(into: &inner)
            sum &+= inner.finalize()
        }
        hasher.combine(sum)
    }
}

/// A string compared and hashed as its UTF-8 bytes.
struct NameBytes: Hashable {
    let name: String

    static func == (left: NameBytes, right: NameBytes) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var name = name
        name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}
