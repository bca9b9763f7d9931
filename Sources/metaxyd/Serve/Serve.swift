// metaxyd serve: starts the service, and drains it on SIGTERM.

import API
import ArgumentParser
import Foundation
import Glibc
import JSON
import Postgres
import Service

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until SIGTERM or SIGINT.",
        discussion: "Prints the address on standard output once the server is ready.")

    /// How long running requests may take after the signal to stop.
    private static let drainGrace: Duration = .seconds(30)

    @OptionGroup(title: "Settings")
    var options: SettingOptions

    func run() async throws {
        // Writing to a closed connection must fail that connection only, not the process.
        signal(SIGPIPE, SIG_IGN)
        do throws(ExitReason) {
            let settings = try Configuration(SettingValues(given: options.given))
            Log.set(settings.logFormat)
            Log.set(settings.logLevel)
            let database = try await Database.open(settings, connections: settings.databaseConnections, for: .migrate)
            var failure: ExitReason?
            do throws(ExitReason) { try await serve(database, settings) } catch { failure = error }
            await database.close()
            if let failure { throw failure }
        } catch {
            throw error.exit()
        }
    }

    private func serve(_ database: Database, _ settings: Configuration) async throws(ExitReason) {
        let metaxy = Metaxy(pool: database.pool, random: { Double.random(in: 0..<1) })
        if !settings.isOpen {
            try await FirstToken.make(metaxy, dataDirectory: database.isEmbedded ? settings.dataDirectory : nil)
        }
        try await settings.identityProvider?.prepare()
        let connections = ServedConnections()
        let api = API(
            metaxy: metaxy, configuration: Self.world(metaxy, settings, ProcessReading(connections)),
            observe: Self.observe)
        // Signals are handled before the address is announced.
        let hangUps = await Signals([SIGHUP])
        let stops = await Signals([SIGTERM, SIGINT])
        let housekeeping = Task {
            await Housekeeping(metaxy: metaxy, eventRetention: settings.eventRetention, connections: connections).run()
        }
        let waking = Task { await Self.wake(metaxy, by: database.listener()) }
        let listeners: Listeners
        do {
            listeners = try Listeners(
                api, at: settings.listen, tls: settings.tls, administration: settings.adminListen,
                counting: connections, announce: Output.line)
        } catch {
            housekeeping.cancel()
            waking.cancel()
            throw error
        }
        let reloading = Task { [stream = hangUps.stream, given = options.given, isTLS = settings.tls != nil] in
            for await _ in stream {
                Self.reloadSettings(given)
                if isTLS { await Self.reloadTLS(of: listeners) }
            }
        }
        let number = await stops.stream.first { _ in true }
        reloading.cancel()
        // A second signal ends the process at once.
        stops.stop()
        Log.write(.info, "stopping", [("signal", .integer(Int64(number ?? SIGTERM)))])
        if settings.drainDelay > .zero {
            metaxy.drain()
            // This task is never cancelled, so the whole delay passes.
            do { try await Task.sleep(for: settings.drainDelay) } catch {}
        }
        // Waiting claims are answered once answers carry `Connection: close`; before that, their next request would be lost.
        await listeners.drain(grace: Self.drainGrace) { metaxy.drain() }
        housekeeping.cancel()
        waking.cancel()
        await housekeeping.value
        await waking.value
        hangUps.stop()
    }

    /// Announces work to other processes and listens to theirs until the task is cancelled.
    private static func wake(_ metaxy: Metaxy, by listener: NotificationListener) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await metaxy.waking.announce() }
            group.addTask { await metaxy.waking.follow(listener.events) }
        }
        listener.close()
    }

    /// Reads the settings again and applies the log level. A faulty file changes nothing.
    private static func reloadSettings(_ given: [Setting: String]) {
        do throws(ExitReason) {
            let settings = try Configuration(SettingValues(given: given))
            Log.set(settings.logLevel)
            Log.write(.info, "read the settings again", [("log_level", .string(settings.logLevel.name))])
        } catch {
            Log.write(.error, "cannot read the settings again; the server keeps the old ones: \(error.message)")
        }
    }

    /// Reads the TLS files again. A faulty file changes nothing.
    private static func reloadTLS(of listeners: Listeners) async {
        do {
            try await listeners.reloadTLS()
            Log.write(.info, "read the TLS files again")
        } catch {
            Log.write(.error, "cannot read the TLS files again; the server keeps the old ones: \(error)")
        }
    }

    private static func world(
        _ metaxy: Metaxy, _ settings: Configuration, _ process: ProcessReading
    ) -> APIConfiguration {
        let numbers = NumberStream()
        var authorizer = settings.isOpen ? Authorizer.open : .tokens(of: metaxy)
        if let provider = settings.identityProvider, !settings.isOpen {
            authorizer = .tokens(of: metaxy) { (text) async throws(Authorizer.Refusal) -> Caller in
                try await provider.caller(text)
            }
        }
        return APIConfiguration(
            authorizer: authorizer, random: { numbers.next() },
            clock: { DispatchTime.now().uptimeNanoseconds }, version: Version.text, rateLimit: settings.rateLimit,
            process: { process.read() })
    }

    /// Logs failures always, and each request at the level debug.
    private static func observe(_ event: APIEvent) {
        switch event {
        case .failed(let requestID, let traceparent, let cause):
            Log.write(
                .error, "a request failed",
                [("request_id", .string(requestID))] + trace(traceparent) + [("cause", .string(cause))])
        case .answered(let exchange):
            let level: Log.Level = exchange.status >= 500 ? .warning : .debug
            guard Log.writes(level) else { return }
            Log.write(
                level, level == .warning ? "a request was answered with an error" : "a request was answered",
                [("request_id", .string(exchange.requestID))] + trace(exchange.traceparent) + [
                    ("method", .string(exchange.method)), ("path", .string(exchange.path)),
                    ("status", .integer(Int64(exchange.status))),
                    ("seconds", .double(exchange.duration / .seconds(1))),
                ])
        }
    }

    private static func trace(_ traceparent: String?) -> [(String, JSONValue)] {
        traceparent.map { [("traceparent", .string($0))] } ?? []
    }
}
