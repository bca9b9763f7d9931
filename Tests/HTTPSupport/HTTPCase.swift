// The conformance and abuse cases: raw bytes, and what a server may answer.

import Foundation

/// One case of `Tests/HTTPTests/Fixtures/http_cases.json`.
public struct HTTPCase: Decodable, Sendable, CustomStringConvertible {
    /// What the first final answer may be.
    public enum Outcome: Decodable, Equatable, Sendable {
        /// An answer with this status.
        case status(Int)
        /// The connection closes without an answer.
        case close
        /// No answer, and the connection stays open.
        case wait

        /// Reads a number, "close" or "wait".
        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let status = try? container.decode(Int.self) {
                self = .status(status)
                return
            }
            switch try container.decode(String.self) {
            case "close": self = .close
            case "wait": self = .wait
            case let other:
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "unknown outcome \(other)")
            }
        }
    }

    /// What has to hold after the first answer.
    public enum Then: String, Decodable, Sendable {
        /// The connection closes.
        case close
        /// It stays open.
        case open
        /// Either it closes, or the request after this one is answered 200.
        case sync
        /// Nothing.
        case any
    }

    /// Bytes to send, and how long to wait before the next step.
    public struct Step: Decodable, Sendable {
        private enum CodingKeys: String, CodingKey {
            case bytes = "send_b64"
            case waitMilliseconds = "then_wait_ms"
        }

        private let bytes: Data
        /// Milliseconds to wait for answers before the next step.
        public let waitMilliseconds: Int

        init(bytes: Data) {
            self.bytes = bytes
            waitMilliseconds = 0
        }

        /// The bytes; nil for closing the sending side.
        public var sent: [UInt8]? {
            bytes == Data("__SHUT_WR__".utf8) ? nil : Array(bytes)
        }
    }

    private enum CodingKeys: String, CodingKey {
        case name, level, expected, then, check
        case maxResponses = "max_responses"
        case earlyOK = "early_ok"
        case raw = "raw_b64"
        case rawSteps = "steps"
    }

    /// The case's name.
    public let name: String
    /// MUST, SHOULD, MAY or POLICY.
    public let level: String
    /// What the first final answer may be.
    public let expected: [Outcome]
    /// What has to hold afterwards.
    public let then: Then
    /// More final answers than this mean that content was taken for a request.
    public let maxResponses: Int
    /// The fault lies in the content, so an answer given before it was read is allowed if the connection closes.
    public let earlyOK: Bool?
    /// Further checks of the first answer.
    public let check: [String]?
    private let raw: Data?
    private let rawSteps: [Step]?

    /// What to send.
    public var steps: [Step] {
        rawSteps ?? [Step(bytes: raw ?? Data())]
    }

    /// The name, for test reports.
    public var description: String {
        name
    }

    /// All cases.
    ///
    /// - Returns: the cases in the file's order.
    /// - Throws: when the file is missing or malformed.
    public static func all() throws -> [HTTPCase] {
        struct File: Decodable {
            let cases: [HTTPCase]
        }
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../HTTPTests/Fixtures/http_cases.json")
        return try JSONDecoder().decode(File.self, from: Data(contentsOf: path)).cases
    }
}
