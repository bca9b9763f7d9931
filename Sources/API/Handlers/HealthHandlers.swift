// Health and metrics.

import HTTP
import Service

/// Reports whether the server works, and its metrics.
struct HealthHandlers: Sendable {
    private let metaxy: Metaxy
    private let configuration: APIConfiguration
    private let timings: RequestTimings

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
        configuration = context.configuration
        timings = context.timings
    }

    /// The answer of a running process.
    static let alive = Response.content(.text, Array("ok\n".utf8))

    /// `GET /livez`: the process answers, whatever the database does.
    func livez(_ call: Call) throws(Problem) -> Response {
        guard try call.query.flag("verbose") else { return Self.alive }
        return .content(.text, Array("[+] process: ok\nlivez check passed\n".utf8))
    }

    /// `GET /readyz` and `GET /healthz`: the server can do its work.
    func readyz(_ call: Call) async throws(Problem) -> Response {
        let isVerbose = try call.query.flag("verbose")
        let checks = await metaxy.operations.readiness()
        let failed = checks.filter { $0.fault != nil }
        guard failed.isEmpty else {
            let names = failed.map { "\($0.name): \($0.fault ?? "")" }
            throw Problem(.notReady, "Not ready: \(names.joined(separator: "; ")).").with(items: names)
        }
        guard isVerbose else { return Self.alive }
        let lines =
            checks.map { check in "[+] \(check.name): ok\(check.note.map { " (\($0))" } ?? "")\n" }.joined()
            + "readyz check passed\n"
        return .content(.text, Array(lines.utf8))
    }

    /// `GET /metrics`: of this process always, of what is stored where the database answers in time.
    func prometheus() async throws(Problem) -> Response {
        var page = MetricsPage()
        page.requests(timings)
        page.service(metaxy.operations.load, version: configuration.version)
        if let process = configuration.process() { page.process(process) }
        page.done(metaxy.operations.doneFigures)
        let stored = await metaxy.operations.storedFigures()
        page.isDatabaseUp(stored != nil)
        if let stored { page.stored(stored) }
        return .content(.metrics, Array(page.text.utf8))
    }
}
