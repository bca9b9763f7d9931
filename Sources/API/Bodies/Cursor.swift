// Cursors: where a list goes on, bound to the question that it answers.

import Service
import WebToken

/// What a cursor is bound to: a digest of the question, without how much of the answer is wanted.
struct CursorFingerprint: Hashable, Sendable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The fingerprint of a question made of these parts; an absent part differs from an empty one.
    ///
    /// FNV-1a: it tells questions apart that were mixed up, and does not defend against forgery, since a forged cursor
    /// shows nothing that its bearer may not read anyway.
    init(_ parts: String?...) {
        for part in parts { add(part) }
    }

    /// Adds a part.
    mutating func add(_ part: String?) {
        feed(part == nil ? 0xFE : 0xFD)
        for byte in (part ?? "").utf8 { feed(byte) }
        // No byte of UTF-8: parts cannot run together.
        feed(0xFF)
    }

    /// Adds bytes, which need not be UTF-8: their number comes first.
    mutating func add(_ bytes: [UInt8]) {
        add(String(bytes.count))
        for byte in bytes { feed(byte) }
    }

    private mutating func feed(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
    }
}

/// Writes and reads cursors: base64url of the kind of position, the fingerprint and the position.
enum Cursor {
    /// Where a list goes on.
    enum Position: Hashable, Sendable {
        /// After the element of this number.
        case number(Int64)
        /// After one version of the element of this number.
        case version(Int64, Int64)
        /// After the element of this name.
        case name(String)
    }

    private static let numberTag: UInt8 = 1
    private static let nameTag: UInt8 = 2
    private static let versionTag: UInt8 = 3

    /// The cursor's text.
    static func text(_ position: Position, _ fingerprint: CursorFingerprint) -> String {
        switch position {
        case .number(let number):
            Base64URL.encode([numberTag] + bytes(fingerprint.value) + bytes(UInt64(bitPattern: number)))
        case .version(let number, let version):
            Base64URL.encode(
                [versionTag] + bytes(fingerprint.value) + bytes(UInt64(bitPattern: number))
                    + bytes(UInt64(bitPattern: version)))
        case .name(let name):
            Base64URL.encode([nameTag] + bytes(fingerprint.value) + Array(name.utf8))
        }
    }

    /// The position of a cursor that was made for the same question.
    ///
    /// - Throws: `invalid_cursor`.
    static func position(
        _ text: String, _ fingerprint: CursorFingerprint, parameter: String = "cursor"
    ) throws(Problem) -> Position {
        guard let decoded = Base64URL.decode(text), decoded.count >= 9, let position = position(decoded) else {
            throw Problem(.invalidCursor, .parameter(parameter), "this is no cursor that this server gave")
        }
        guard number(decoded[1..<9]) == fingerprint.value else {
            throw Problem(
                .invalidCursor, .parameter(parameter), "the cursor was given for another query; start without one")
        }
        return position
    }

    private static func position(_ decoded: [UInt8]) -> Position? {
        switch decoded[0] {
        case numberTag where decoded.count == 17: .number(Int64(bitPattern: number(decoded[9..<17])))
        case versionTag where decoded.count == 25:
            .version(Int64(bitPattern: number(decoded[9..<17])), Int64(bitPattern: number(decoded[17..<25])))
        case nameTag: String(validating: decoded[9...], as: UTF8.self).map(Position.name)
        default: nil
        }
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
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

    /// The name, where the position is one.
    var name: String? {
        if case .name(let name) = self { name } else { nil }
    }
}
