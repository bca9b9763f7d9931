// Requests with an Idempotency-Key: answered once, and the same again.

import Feature
import HTTP
import Service
import Store
import Synchronization

/// A request that may be sent again, and the digest of what was read of it.
final class KeyedRequest: Sendable {
    /// What the client calls the request.
    let key: String
    private let digest: Mutex<ContentDigest>

    /// - Throws: `invalid_parameter` where the key is empty, too long or not printable ASCII.
    init?(_ head: RequestHead) throws(Problem) {
        guard let key = head.headers["Idempotency-Key"] else { return nil }
        let isPrintable = key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard !key.isEmpty, key.utf8.count <= RequestLimits.nameBytesMax, isPrintable else {
            throw Problem(
                .invalidParameter,
                "Idempotency-Key has 1 to \(RequestLimits.nameBytesMax) printable ASCII characters without spaces.")
        }
        self.key = key
        var start = ContentDigest()
        start.add(Array("\(head.method.name) \(head.target)\n".utf8))
        digest = Mutex(start)
    }

    /// The digest of method, target and what was read of the body.
    var value: [UInt8] { digest.withLock { $0.value } }

    /// The body, digested as it is read.
    func tapped(_ body: RequestBody) -> RequestBody {
        RequestBody(declaredLength: body.declaredLength) { () async throws(BodyError) in
            let chunk = try await body.next()
            if let chunk { self.digest.withLock { $0.add(chunk) } }
            return chunk
        }
    }
}

/// The answers that requests with an idempotency key got.
struct EarlierAnswers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// The answer that a request with an idempotency key got before; nil where it is to be carried out.
    ///
    /// - Throws: `idempotency_key_reused` where the key came with another request.
    func answer(_ call: Call) async throws(Problem) -> Response? {
        guard let idempotency = call.idempotency else { return nil }
        let name = call.caller.name ?? ""
        let found = try await served { () async throws(ServiceError) in
            try await metaxy.answers.find(caller: name, key: idempotency.key)
        }
        guard let found else { return nil }
        do throws(BodyError) {
            while try await call.request.body.next() != nil {}
        } catch {
            throw Problem(error)
        }
        guard found.digest == idempotency.value else {
            throw Problem(
                .idempotencyKeyReused,
                "The Idempotency-Key \"\(idempotency.key)\" came with another request; a key belongs to one.")
        }
        return found.response
    }
}

/// Carries out the use case of a writing request and answers; under an idempotency key, the answer is kept together
/// with what it tells of.
func once<Outcome: Sendable>(
    _ call: Call, _ perform: () async throws(ServiceError) -> Outcome,
    answer: @escaping @Sendable (Outcome) -> Response
) async throws(Problem) -> Response {
    guard let idempotency = call.idempotency else { return answer(try await served(perform)) }
    let once = IdempotentRequest(caller: call.caller.name ?? "", key: idempotency.key) { outcome in
        (outcome as? Outcome).flatMap { StoredAnswer(answer($0), digest: idempotency.value) }
    }
    let result = await IdempotentRequest.$current.withValue(once) { () async -> Result<Outcome, ServiceError> in
        do throws(ServiceError) { return .success(try await perform()) } catch { return .failure(error) }
    }
    return answer(try await served { () async throws(ServiceError) in try result.get() })
}

extension StoredAnswer {
    /// An answer as it is kept; nil for one that is streamed, which no write gives.
    fileprivate init?(_ response: Response, digest: [UInt8]) {
        guard case .bytes(let content) = response.body else { return nil }
        self.init(
            digest: digest, status: Int16(clamping: response.status.code), entityTag: response.headers["ETag"],
            location: response.headers["Location"], content: content)
    }

    /// The answer, given again.
    fileprivate var response: Response {
        var response = Response.json(content, status: Status(UInt16(clamping: status)))
        if let entityTag { response.headers.append("ETag", entityTag) }
        if let location { response.headers.append("Location", location) }
        response.headers.append("Idempotent-Replayed", "true")
        return response
    }
}
