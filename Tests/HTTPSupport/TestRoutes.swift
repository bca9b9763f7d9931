// The routes of the server that tests and benchmarks talk to.

public import HTTP
public import HTTPServer

/// Routes that show each way to answer.
public enum TestRoutes {
    /// The largest content that `/echo` takes, in bytes.
    public static let echoBytesMax = 1 << 20

    /// The application of the test server.
    public static let application = Application(
        fastPath: { head in fastPath(head) }, protocolError: { status, detail in problem(status, detail) },
        handler: { request in await handle(request) })

    /// The same without the fast path: each request goes through a task.
    public static let applicationOfTasks = Application(
        protocolError: { status, detail in problem(status, detail) }, handler: { request in await handle(request) })

    private static let healthy = Response(
        status: .ok, headers: ["Content-Type": "text/plain"], body: .bytes(Array("ok\n".utf8)))

    private static func fastPath(_ head: RequestHead) -> Response? {
        guard head.method == .get || head.method == .head, head.hasPath("/livez") || head.hasPath("/healthz") else {
            return nil
        }
        return healthy
    }

    /// An error's answer.
    ///
    /// - Parameters:
    ///   - status: its status.
    ///   - detail: one sentence.
    /// - Returns: the answer.
    public static func problem(_ status: Status, _ detail: String) -> Response {
        let body = #"{"status":\#(status.code),"detail":"\#(detail)"}"#
        return Response(
            status: status, headers: ["Content-Type": "application/problem+json"], body: .bytes(Array(body.utf8)))
    }

    private static let methods: [String: String] = [
        "": "GET, HEAD, OPTIONS", "healthz": "GET, HEAD, OPTIONS", "livez": "GET, HEAD, OPTIONS",
        "large": "GET, HEAD, OPTIONS", "stream": "GET, HEAD, OPTIONS", "abort": "GET, OPTIONS", "wait": "GET, OPTIONS",
        "echo": "POST, OPTIONS", "sink": "POST, OPTIONS", "headers": "GET, OPTIONS",
    ]

    private static func handle(_ request: Request) async -> Response {
        let head = request.head
        if head.method == .options, head.target == "*" { return Response(status: .noContent) }
        guard head.segments.count <= 1, let allowed = methods[head.segments.first ?? ""] else {
            return problem(.notFound, "There is no such path.")
        }
        let allow = Response(status: .noContent, headers: ["Allow": allowed])
        if head.method == .options { return allow }
        guard allowed.split(separator: ", ").contains(Substring(head.method.name)) else {
            var refusal = problem(.methodNotAllowed, "The path has another method.")
            refusal.headers.append("Allow", allowed)
            return refusal
        }
        switch head.segments.first ?? "" {
        case "echo": return await echo(request)
        case "sink": return await sink(request)
        case "large": return Response(status: .ok, body: .bytes(Array(repeating: 0x61, count: number("bytes", head))))
        case "stream": return stream(head)
        case "abort": return Response(status: .ok, body: .stream { await abort($0) })
        case "headers": return Response(status: .ok, headers: ["X-Given": head.query.first?.value ?? ""])
        case "wait": return await wait()
        default: return healthy
        }
    }

    private static func number(_ name: String, _ head: RequestHead) -> Int {
        head.query.first { $0.name == name }.flatMap { Int($0.value) } ?? 0
    }

    private static func echo(_ request: Request) async -> Response {
        do throws(BodyError) {
            let content = try await request.body.collect(max: echoBytesMax)
            return Response(
                status: .ok, headers: ["Content-Type": "application/octet-stream"], body: .bytes(content))
        } catch {
            return refusal(error)
        }
    }

    private static func sink(_ request: Request) async -> Response {
        var count = 0
        do throws(BodyError) {
            while let piece = try await request.body.next() {
                count += piece.count
            }
        } catch {
            return refusal(error)
        }
        return Response(status: .ok, headers: ["Content-Type": "text/plain"], body: .bytes(Array("\(count)\n".utf8)))
    }

    private static func refusal(_ error: BodyError) -> Response {
        switch error {
        case .tooLarge(let limit): problem(.contentTooLarge, "The limit is \(limit) bytes.")
        case .timeout: problem(.requestTimeout, "The content came too slowly.")
        case .malformed: problem(.badRequest, "The content's chunked coding is broken.")
        case .disconnected: problem(.badRequest, "The content is incomplete.")
        case .undecodable: problem(.badRequest, "The content's coding is broken.")
        case .expandsTooMuch: problem(.contentTooLarge, "The content decodes to too much.")
        }
    }

    private static func stream(_ head: RequestHead) -> Response {
        let total = number("bytes", head)
        return Response(
            status: .ok,
            body: .stream { writer in
                let piece = [UInt8](repeating: 0x62, count: 64 * 1024)
                var left = total
                while left > 0 {
                    do throws(Disconnected) {
                        try await writer.write(left >= piece.count ? piece : Array(piece[..<left]))
                    } catch {
                        return .aborted
                    }
                    left -= piece.count
                }
                return .finished
            })
    }

    private static func abort(_ writer: ResponseWriter) async -> StreamEnd {
        do throws(Disconnected) {
            try await writer.write(Array("half".utf8))
        } catch {
            return .aborted
        }
        return .aborted
    }

    /// Waits until it is cancelled.
    private static func wait() async -> Response {
        do {
            try await Task.sleep(for: .seconds(3600))
        } catch {
            return problem(.serviceUnavailable, "The wait was cancelled.")
        }
        return healthy
    }
}
