// By which names a request is found again: its id and its trace.

import HTTP

/// The id and the trace of a request.
struct RequestIdentity: Sendable {
    /// The most characters of an id that is taken from a client.
    private static let lengthMax = 128

    /// Where a request may bring its id, and where each answer has it.
    static let idField: FieldName = "X-Request-Id"
    private static let traceField: FieldName = "traceparent"

    /// What `X-Request-Id` answers.
    let id: String
    /// The `traceparent` of the request where it is one (W3C Trace Context level 1); a broken one is no trace.
    let traceparent: String?

    /// The client's own id where it is a sane token, else one of 128 random bits.
    init(_ head: RequestHead, random: () -> UInt64) {
        if let given = head.headers[Self.idField], Self.isSane(given) {
            id = given
        } else {
            id = Self.hex(random(), random())
        }
        traceparent = head.headers[Self.traceField].flatMap { Self.isTraceparent($0) ? $0 : nil }
    }

    /// The identity of a request whose head could not be read.
    init(random: () -> UInt64) {
        id = Self.hex(random(), random())
        traceparent = nil
    }

    /// Gives an answer the id that it has, without making a text of it.
    static func add(to response: inout Response, _ head: RequestHead, random: () -> UInt64) {
        if let given = head.headers[idField], isSane(given) {
            response.headers.append(idField, given)
        } else {
            response.hexField = HexField(idField, random(), random())
        }
    }

    private static func isSane(_ text: String) -> Bool {
        guard 1...lengthMax ~= text.utf8.count else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "="):
                true
            default: false
            }
        }
    }

    /// `version-trace-parent-flags` in lower-case hex; neither trace nor parent may be all zeros.
    private static func isTraceparent(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.map(\.utf8.count) == [2, 32, 16, 2], parts[0] != "ff" else { return false }
        let isHex = parts.allSatisfy { part in
            part.utf8.allSatisfy {
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
            }
        }
        return isHex && parts[1].contains { $0 != "0" } && parts[2].contains { $0 != "0" }
    }

    /// 32 lower-case digits.
    private static func hex(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 32) { digits in
            for place in 0..<32 {
                let digit = UInt8((place < 16 ? high : low) >> UInt64(60 - place % 16 * 4) & 0xF)
                digits[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
            return 32
        }
    }
}
