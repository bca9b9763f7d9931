// Cursors: the position in a list at which the next page begins, bound to the question that the list answers.

import Feature
import Service
import WebToken

/// A digest of a question, without the size of its pages. A cursor is good for one question.
struct CursorFingerprint: Sendable {
    private var digest = ContentDigest()

    /// The fingerprint of a question made of these parts. An absent part differs from an empty one.
    init(_ parts: String?...) {
        for part in parts { add(part) }
    }

    /// Adds a part.
    mutating func add(_ part: String?) {
        guard let part else { return digest.add([0xFF]) }
        add(Array(part.utf8))
    }

    /// Adds bytes behind their number, so that parts cannot run together.
    mutating func add(_ bytes: [UInt8]) {
        digest.add([0xFE] + CursorBytes.of(UInt64(bytes.count)))
        digest.add(bytes)
    }

    /// The seal of a position: it differs for every question and for every position.
    func seal(_ position: [UInt8]) -> [UInt8] {
        var sealed = digest
        sealed.add([0xFD] + position)
        return Array(sealed.value.prefix(12))
    }
}

/// Writes and reads cursors: base64url of a seal and a position.
///
/// The seal shows every change of a cursor and every exchange with another question's. It is no secret: a cursor forged
/// with knowledge of this code shows nothing that its bearer may not read, so each list accepts every position.
enum Cursor {
    /// The position at which the next page begins.
    enum Position: Hashable, Sendable {
        /// After the element of this number.
        case number(Int64)
        /// After one version of the element of this number.
        case version(Int64, Int64)
        /// After the element of this name.
        case name(String)
    }

    private static let sealBytes = 12
    private static let numberTag: UInt8 = 1
    private static let nameTag: UInt8 = 2
    private static let versionTag: UInt8 = 3

    /// The cursor's text.
    static func text(_ position: Position, _ fingerprint: CursorFingerprint) -> String {
        let bytes: [UInt8] =
            switch position {
            case .number(let number): [numberTag] + CursorBytes.of(UInt64(bitPattern: number))
            case .version(let number, let version):
                [versionTag] + CursorBytes.of(UInt64(bitPattern: number)) + CursorBytes.of(UInt64(bitPattern: version))
            case .name(let name): [nameTag] + Array(name.utf8)
            }
        return Base64URL.encode(fingerprint.seal(bytes) + bytes)
    }

    /// The position of a cursor of the same question.
    ///
    /// - Throws: `invalid_cursor` for every other text.
    static func position(
        _ text: String, _ fingerprint: CursorFingerprint, parameter: String = "cursor"
    ) throws(Problem) -> Position {
        guard let decoded = Base64URL.decode(text), decoded.count > sealBytes,
            case let bytes = Array(decoded[sealBytes...]), Array(decoded[..<sealBytes]) == fingerprint.seal(bytes),
            let position = position(bytes)
        else { throw refusal(parameter) }
        return position
    }

    /// The problem with a cursor that was not given for the question.
    static func refusal(_ parameter: String = "cursor") -> Problem {
        Problem(
            .invalidCursor, .parameter(parameter), "the cursor was not given for this query; start without a cursor")
    }

    /// The numbers of elements are not negative.
    private static func position(_ bytes: [UInt8]) -> Position? {
        switch bytes[0] {
        case numberTag where bytes.count == 9 && bytes[1] < 0x80: .number(CursorBytes.number(bytes[1..<9]))
        case versionTag where bytes.count == 17:
            .version(CursorBytes.number(bytes[1..<9]), CursorBytes.number(bytes[9..<17]))
        case nameTag where !bytes.contains(0): String(validating: bytes[1...], as: UTF8.self).map(Position.name)
        default: nil
        }
    }
}

/// Numbers as eight bytes, the highest first.
private enum CursorBytes {
    static func of(_ value: UInt64) -> [UInt8] {
        stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        Int64(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }
}

extension Cursor.Position {
    /// The number, where the position has one.
    var number: Int64? {
        switch self {
        case .number(let number), .version(let number, _): number
        case .name: nil
        }
    }

    /// The version, where the position has one.
    var version: Int64? {
        if case .version(_, let version) = self { version } else { nil }
    }
}
