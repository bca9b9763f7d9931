// Problems as answers: RFC 9457.

import Base
import HTTP
import JSON
import Service

/// Why a request has no other answer.
struct Problem: Error, Sendable {
    /// One thing at fault.
    struct Item: Hashable, Sendable {
        /// Where, nil for the request as a whole.
        let place: Fault.Place?
        /// What is wrong.
        let detail: String
    }

    /// What kind of problem it is.
    let code: ProblemCode
    /// One sentence on this occurrence, for the client.
    let detail: String
    /// What is at fault, `FaultList.keptMax` at most.
    private(set) var items: [Item] = []
    /// How many are at fault in all.
    private(set) var itemCount = 0
    /// Header fields that belong to the answer.
    private(set) var headers: [(name: FieldName, value: String)] = []
    /// For the log, never for the client.
    private(set) var cause: String?

    /// A problem with one sentence.
    init(_ code: ProblemCode, _ detail: String) {
        self.code = code
        self.detail = detail
        if code.status.code == 503 { headers = [("Retry-After", "1")] }
        if code == .unauthorized { headers = [("WWW-Authenticate", "Bearer realm=\"metaxy\"")] }
    }

    /// A problem with things at fault. The sentence names the first one and how many more there are.
    ///
    /// - Parameters:
    ///   - faults: one or more.
    ///   - isPartial: whether reading ended before the end of the body.
    init(_ code: ProblemCode, _ faults: FaultList<Fault>, isPartial: Bool = false) {
        let first = faults.kept.first.map { "\($0.place.phrase): \($0.detail)" } ?? ""
        let rest = isPartial ? "; the rest of the body was not looked at" : ""
        self.init(code, (faults.count > 1 ? "\(first); and \(faults.count - 1) more" : first) + rest)
        items = faults.kept.map { Item(place: $0.place, detail: $0.detail) }
        itemCount = faults.count
    }

    /// A problem with things at fault, one or more.
    init(_ code: ProblemCode, _ faults: [Fault]) {
        var list = FaultList<Fault>()
        for fault in faults { list.add(fault) }
        self.init(code, list)
    }

    /// A problem with one thing at fault.
    init(_ code: ProblemCode, _ place: Fault.Place, _ detail: String) {
        self.init(code, [Fault(place, detail)])
    }

    /// The problem with another header field.
    func with(_ name: FieldName, _ value: String) -> Problem {
        var problem = self
        problem.headers.append((name, value))
        return problem
    }

    /// The problem with things at fault that have no place in the request.
    func with(items details: [String]) -> Problem {
        var problem = self
        problem.items = details.map { Item(place: nil, detail: $0) }
        problem.itemCount = details.count
        return problem
    }

    /// The problem with words for the log.
    func with(cause: String) -> Problem {
        var problem = self
        problem.cause = cause
        return problem
    }
}

extension Problem {
    /// The members of the problem as a JSON object.
    ///
    /// - Parameters:
    ///   - instance: the path of the request.
    ///   - requestID: its `X-Request-Id`.
    func write(to writer: inout JSONWriter, instance: String, requestID: String) {
        writer.beginObject()
        writer.member("type", "urn:metaxy:problem:\(code.rawValue)")
        writer.member("title", code.title)
        writer.member("status", code.status.code)
        writer.member("detail", detail)
        writer.member("instance", instance)
        writer.member("code", code.rawValue)
        writer.member("request_id", requestID)
        if !items.isEmpty {
            writer.key("errors")
            writer.beginArray()
            for item in items { item.write(to: &writer) }
            writer.endArray()
            writer.member("error_count", itemCount)
        }
        writer.endObject()
    }

    /// The answer.
    func response(instance: String, requestID: String) -> Response {
        var writer = JSONWriter()
        write(to: &writer, instance: instance, requestID: requestID)
        var response = Response(
            status: code.status, headers: ["Content-Type": MediaType.problem.text], body: .bytes(writer.bytes))
        for header in headers { response.headers.append(header.name, header.value) }
        return response
    }
}

extension Problem.Item {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        switch place {
        case .pointer(let pointer): writer.member("pointer", pointer)
        case .line(let line): writer.member("line", line)
        case .parameter(let name): writer.member("parameter", name)
        case nil: break
        }
        writer.member("detail", detail)
        writer.endObject()
    }
}

extension Fault.Place {
    /// The place at the start of a sentence.
    fileprivate var phrase: String {
        switch self {
        case .pointer(let pointer): pointer.isEmpty ? "the body" : pointer
        case .line(let line): "line \(line)"
        case .parameter(let name): name
        }
    }
}
