// Bodies, read whole within their bounds.

import HTTP
import JSON
import Service

extension Problem {
    /// The problem with a body that could not be read.
    init(_ error: BodyError) {
        switch error {
        case .tooLarge(let limit):
            self.init(
                .contentTooLarge, "The body has more than \(limit) bytes, which is the most that this path takes.")
        case .disconnected: self.init(.badRequest, "The body ended before its announced end.")
        case .timeout: self.init(.requestTimeout, "The body came too slowly.")
        case .malformed: self.init(.badRequest, "The chunked coding of the body is broken.")
        case .undecodable: self.init(.badRequest, "The body is not whole and valid gzip, as Content-Encoding says.")
        case .expandsTooMuch(let ratio):
            self.init(.contentTooLarge, "The body decodes to more than \(ratio) times its size; send it as it is.")
        }
    }

    /// The problem with bytes that are not JSON.
    ///
    /// - Parameters:
    ///   - bytes: what the error's offset counts in.
    ///   - pointer: where the value stands that the error's own pointer counts from.
    init(_ error: JSONError, in bytes: [UInt8], at pointer: JSONPointer = .root) {
        var line = 1
        bytes.withUnsafeBufferPointer { bytes in
            for byte in bytes.prefix(error.offset) { line &+= byte == UInt8(ascii: "\n") ? 1 : 0 }
        }
        let place = pointer.appending(contentsOf: error.pointer)
        self.init(
            .invalidJSON, .pointer(place.description),
            "\(error.reason) at byte \(error.offset), line \(line)")
    }
}

extension Call {
    /// The members of the JSON object that is the body.
    ///
    /// - Parameter isOptional: whether no body at all stands for an object without members.
    /// - Throws: `unsupported_media_type`, `content_too_large`, `invalid_json`, `validation_failed`.
    func document(isOptional: Bool = false) async throws(Problem) -> Members {
        if isOptional, request.body.declaredLength == 0 { return Members(JSONObject()) }
        return Members(try await object())
    }

    /// The JSON object that is the body.
    ///
    /// - Throws: `unsupported_media_type`, `content_too_large`, `invalid_json`, `validation_failed`.
    func object() async throws(Problem) -> JSONObject {
        _ = try head.mediaType(among: [.json])
        let bytes = try await bytes(max: RequestLimits.documentBytesMax)
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch { throw Problem(error, in: bytes) }
        guard let object = value.objectValue else {
            throw Problem(.validationFailed, .pointer(""), "expected an object, found \(value.kind)")
        }
        return object
    }

    /// The whole body.
    func bytes(max: Int) async throws(Problem) -> [UInt8] {
        do { return try await request.body.collect(max: max) } catch { throw Problem(error) }
    }
}
