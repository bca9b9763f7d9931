// An API over a fresh database, and a client that talks to it in process or through a socket.

import Gzip
import HTTP
import HTTPServer
import HTTPSupport
import JSON
import Postgres
import Service
import Store
import Synchronization
import TestSupport
import Testing

@testable import API

/// An API over a database of its own.
struct World {
    let api: API
    let metaxy: Metaxy
    let pool: Pool
    let events: Events
    /// Where a server serves the API; nil where it is called in process.
    private var port: Int?

    /// Runs `body` with an API over a freshly migrated database.
    ///
    /// - Parameter authorizer: nil to ask for API tokens.
    static func with(
        authorizer: Authorizer? = .open, _ body: (World) async throws -> Void
    ) async throws {
        try await TestDatabase.prepareTemplate(named: "migrated") { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            _ = try await pool.transaction { (connection) throws(StoreError) in try Migrator(connection).migrate() }
            await pool.close()
        }
        try await TestDatabase.with(template: "migrated") { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 4))
            do {
                try await body(World(pool, authorizer))
            } catch {
                await pool.close()
                throw error
            }
            await pool.close()
        }
    }

    /// Runs `body` with an API over a freshly migrated database, behind a server with a socket.
    static func overSocket(_ body: @escaping (World) async throws -> Void) async throws {
        try await with { world in
            let api = world.api
            let application = Application(
                fastPath: { api.fastPath($0) }, protocolError: { api.refusal($0, $1) },
                handler: { await api.respond($0) })
            let server = Server(
                configuration: ServerConfiguration(host: "127.0.0.1", port: 0, loops: 1, limits: ProtocolLimits()),
                application: application)
            var served = world
            served.port = try server.start().port
            do {
                try await body(served)
            } catch {
                await server.drain(grace: .zero)
                throw error
            }
            await server.drain(grace: .zero)
        }
    }

    /// An API whose database cannot be reached.
    static func withoutDatabase(authorizer: Authorizer? = .open) -> World {
        var configuration = PoolConfiguration(connectionString: "host=/nowhere", size: 1)
        configuration.waitDeadline = .milliseconds(50)
        return World(Pool(configuration), authorizer)
    }

    private init(_ pool: Pool, _ authorizer: Authorizer?) {
        let events = Events()
        self.pool = pool
        self.events = events
        metaxy = Metaxy(pool: pool, random: { 0.5 })
        let ticks = Ticks()
        let configuration = APIConfiguration(
            authorizer: authorizer ?? .tokens(of: metaxy), random: { 0xABCD }, clock: { ticks.next() }, version: "1.2.3"
        )
        api = API(metaxy: metaxy, configuration: configuration) { events.add($0) }
    }

    /// Sends a request and collects its answer.
    func send(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8]? = nil, piece: Int = 65_536
    ) async throws -> Answer {
        let head = try Self.head(method, target, headers: headers)
        if let port {
            let answer = try await Self.exchange(port, head, headers, body)
            check(answer, head)
            return answer
        }
        let source = Source(body ?? [], piece: piece)
        let requestBody = RequestBody(declaredLength: body?.count ?? 0) { () async throws(BodyError) in source.next() }
        let response = await api.respond(Request(head: head, body: requestBody, remote: "192.0.2.7:51234"))
        let answer = await Answer(response)
        check(answer, head)
        return answer
    }

    /// Asks for lines from an API whose database goes away while the first of them leave.
    func getBreaking(_ target: String, headers: [(String, String)] = []) async throws -> Answer {
        let accept = [("Accept", "application/x-ndjson")]
        let head = try Self.head("GET", target, headers: accept + headers)
        let body = RequestBody(declaredLength: 0) { () async throws(BodyError) in nil }
        var response = await api.respond(Request(head: head, body: body, remote: "local"))
        guard case .stream(let write) = response.body else { return await Answer(response) }
        response.body = .stream { writer in
            await write(
                ResponseWriter { (piece) async throws(Disconnected) in
                    try await writer.write(piece)
                    await pool.close()
                })
        }
        return await Answer(response)
    }

    /// Sends a request on a connection of its own.
    private static func exchange(
        _ port: Int, _ head: RequestHead, _ headers: [(String, String)], _ body: [UInt8]?
    ) async throws -> Answer {
        var lines = ["\(head.method.name) \(head.target) HTTP/1.1", "Host: test", "Connection: close"]
        lines += headers.map { "\($0.0): \($0.1)" }
        if let body { lines.append("Content-Length: \(body.count)") }
        let request = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? [])
        let isHead = head.method == .head
        return try await onThread {
            let client = try TestClient(port: port, heads: isHead ? [0] : [])
            try client.send(request)
            return Answer(try client.answer(seconds: 30))
        }
    }

    /// The head of a request, parsed as a server parses it.
    static func head(
        _ method: String, _ target: String, headers: [(String, String)] = []
    ) throws -> RequestHead {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
        for header in headers { text += "\(header.0): \(header.1)\r\n" }
        text += "\r\n"
        var parser = HeadParser()
        return try #require(try parser.parse(Array(text.utf8).span, limits: CheckedLimits(ProtocolLimits()))).head
    }

    /// Runs SQL.
    func script(_ sql: String) async throws {
        try await pool.withConnection { (connection) throws(PostgresError) in try connection.script(sql) }
    }

    /// The text that a statement answers.
    func text(_ sql: String) async throws -> String {
        try await pool.withConnection { (connection) throws(PostgresError) in
            try connection.query(Statement("test_text", sql, prepare: false)).single().text(0)
        }
    }

    /// Makes an API token.
    ///
    /// - Returns: its secret.
    func token(
        _ name: String, _ scopes: Set<Permission>, projects: Set<String>? = nil
    ) async throws -> String {
        let request = TokenRequest(name: name, scopes: scopes, projects: projects)
        return try await metaxy.tokens.create(request).secret.text
    }

    /// Every answer that any test gets is held against the contract.
    private func check(_ answer: Answer, _ head: RequestHead) {
        #expect(answer.headers["X-Request-Id"]?.isEmpty == false)
        #expect(answer.headers["Cache-Control"] == "no-store")
        #expect(answer.headers["X-Content-Type-Options"] == "nosniff")
        guard head.method != .head, !answer.isAborted else { return }
        var operation: String?
        if case .route(let route, _) = Router(Routes.table).match(head) { operation = route.operation }
        let faults = Self.contract.faults(answer, operation: operation)
        #expect(faults == [], "\(head.method.name) \(head.target): \(answer.text)")
    }

    /// The contract that the server serves.
    static let contract: Contract = {
        do { return try Contract(ContractText.json) } catch { preconditionFailure("openapi.json is no JSON: \(error)") }
    }()

    /// Sends a JSON document.
    func post(_ target: String, _ json: String, headers: [(String, String)] = []) async throws -> Answer {
        try await send(
            "POST", target, headers: [("Content-Type", "application/json")] + headers, body: Array(json.utf8))
    }

    /// Sends lines.
    func postLines(_ target: String, _ lines: String) async throws -> Answer {
        try await send(
            "POST", target, headers: [("Content-Type", "application/x-ndjson")], body: Array(lines.utf8))
    }

    /// Asks.
    func get(_ target: String, headers: [(String, String)] = []) async throws -> Answer {
        try await send("GET", target, headers: headers)
    }
}

/// An answer with its content.
struct Answer {
    let status: UInt16
    let headers: HeaderFields
    /// The content, decoded where it came in gzip.
    let bytes: [UInt8]
    /// Bytes of the content as it was sent.
    let wireBytes: Int
    /// Whether streamed content broke off.
    let isAborted: Bool
    /// Whether the content's coding came to its end.
    let isWhole: Bool

    init(_ response: Response) async {
        status = response.status.code
        headers = response.headers
        let sent: [UInt8]
        switch response.body {
        case .empty: (sent, isAborted) = ([], false)
        case .bytes(let content): (sent, isAborted) = (content, false)
        case .stream(let write):
            let written = Mutex<[UInt8]>([])
            let end = await write(
                ResponseWriter { (piece) async throws(Disconnected) in written.withLock { $0 += piece } })
            sent = written.withLock { $0 }
            if case .aborted = end { isAborted = true } else { isAborted = false }
        }
        wireBytes = sent.count
        (bytes, isWhole) = headers["Content-Encoding"] == "gzip" ? Self.unzipped(sent) : (sent, true)
    }

    private static func unzipped(_ bytes: [UInt8]) -> (bytes: [UInt8], isWhole: Bool) {
        var decoder = GzipDecoder(outputBytesMax: .max, ratioMax: 1_100)
        var decoded: [UInt8] = []
        decoder.feed(bytes)
        do {
            while let piece = try decoder.next(max: 65_536) { decoded += piece }
            try decoder.finish()
        } catch {
            return (decoded, false)
        }
        return (decoded, true)
    }

    /// An answer that came through a socket.
    init(_ answer: HTTPSupport.Answer) {
        status = UInt16(answer.status)
        var headers = HeaderFields()
        for field in answer.fields {
            guard let name = FieldName(field.name) else { preconditionFailure("\(field.name) is no name of a field") }
            headers.append(name, field.value)
        }
        self.headers = headers
        wireBytes = answer.body.count
        (bytes, isWhole) =
            headers["Content-Encoding"] == "gzip" ? Self.unzipped(answer.body) : (answer.body, true)
        isAborted = false
    }

    /// The content as text.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The content as JSON.
    var json: JSONValue {
        get throws { try JSONValue(parsing: bytes) }
    }

    /// The `code` of a problem.
    var code: String? {
        get throws { try json["code"]?.stringValue }
    }
}

/// The events that an API has told of.
final class Events: Sendable {
    private let list = Mutex<[APIEvent]>([])

    func add(_ event: APIEvent) { list.withLock { $0.append(event) } }

    /// All so far.
    var all: [APIEvent] { list.withLock { $0 } }
}

/// A clock that goes on by a millisecond each time it is read.
private final class Ticks: Sendable {
    private let now = Atomic<UInt64>(0)

    func next() -> UInt64 { now.add(1_000_000, ordering: .relaxed).newValue }
}

/// A body in pieces.
private final class Source: Sendable {
    private let rest: Mutex<ArraySlice<UInt8>>
    private let piece: Int

    init(_ bytes: [UInt8], piece: Int) {
        rest = Mutex(bytes[...])
        self.piece = piece
    }

    func next() -> [UInt8]? {
        rest.withLock { rest in
            guard !rest.isEmpty else { return nil }
            let next = Array(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            return next
        }
    }
}
