// metaxyd serve: the service, until it is asked to stop.

import API
import ArgumentParser
import Foundation
import JSON
import Postgres
import Service

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until SIGTERM or SIGINT.",
        discussion: "One line on standard output says where it listens, once it is ready.")

    /// How long requests in work may take after the server was asked to stop.
    private static let drainGrace: Duration = .seconds(30)

    @Option(help: "Where to listen; port 0 picks one.")
    var listen = ListenAddress.standard

    @Option(
        help: ArgumentHelp(
            "Serve health and metrics here as well, to everyone.",
            discussion: "For an address that only those reach who look after the server. Without TLS."))
    var adminListen: ListenAddress?

    @Option(help: "Where the embedded PostgreSQL lives when DATABASE_URL is not set.")
    var dataDir = "./metaxy-data"

    @Option(help: "Connections to PostgreSQL at most.")
    var databaseConnections = 8

    @Option(
        help: ArgumentHelp(
            "Go on serving for so many seconds after SIGTERM, while not ready.",
            discussion: "For a load balancer to notice in. Requests at work have another 30 seconds after that.",
            valueName: "seconds"))
    var drainDelay = 0

    @Flag(help: "Let everyone do everything; only where nobody but this machine can connect.")
    var insecureNoAuth = false

    @OptionGroup(title: "TLS")
    var tls: TLSOptions

    func validate() throws {
        guard (1...1_000).contains(databaseConnections) else {
            throw ValidationError("--database-connections takes a number from 1 to 1000")
        }
        guard (0...300).contains(drainDelay) else {
            throw ValidationError("--drain-delay takes a number of seconds from 0 to 300")
        }
        guard !insecureNoAuth || listen.isLoopback else {
            throw ValidationError("--insecure-no-auth is for loopback only; \(listen.host) is not")
        }
    }

    func run() async throws {
        // Writing to a connection that its peer has closed is an error of that connection, not of the process.
        signal(SIGPIPE, SIG_IGN)
        let database: Database
        do {
            database = try await Database.open(dataDirectory: dataDir, connections: databaseConnections)
        } catch {
            throw error.exit()
        }
        do {
            try await serve(database)
        } catch {
            await database.close()
            throw error.exit()
        }
        await database.close()
    }

    private func serve(_ database: Database) async throws(ExitReason) {
        let metaxy = Metaxy(pool: database.pool, random: { Double.random(in: 0..<1) })
        if !insecureNoAuth {
            try await FirstToken.make(metaxy, dataDirectory: database.isEmbedded ? dataDir : nil)
        }
        let authorizer = insecureNoAuth ? Authorizer.open : .tokens(of: metaxy)
        let connections = ServedConnections()
        let api = API(
            metaxy: metaxy, configuration: Self.world(authorizer, ProcessReading(connections)), observe: Self.observe)
        // Watched before anybody knows that the server is there.
        let hangUps = tls.files.map { _ in HangUps() }
        let housekeeping = Task { await Housekeeping(metaxy: metaxy).run() }
        let listeners: Listeners
        do {
            listeners = try Listeners(
                api, at: listen, tls: tls.files, administration: adminListen, counting: connections,
                announce: Self.announce)
        } catch {
            housekeeping.cancel()
            throw error
        }
        let reloading = Task { [stream = hangUps?.stream] in
            if let stream { await Self.reloadTLS(of: listeners, at: stream) }
        }
        let number = await Signals.stop()
        reloading.cancel()
        hangUps?.stop()
        Log.write(.info, "stopping", [("signal", .integer(Int64(number)))])
        metaxy.drain()
        // Nobody cancels this task: the whole delay passes.
        do { try await Task.sleep(for: .seconds(drainDelay)) } catch {}
        await listeners.drain(grace: Self.drainGrace)
        housekeeping.cancel()
        await housekeeping.value
    }

    /// Reads the TLS files again at each hang-up; what cannot be read changes nothing.
    private static func reloadTLS(of listeners: Listeners, at hangUps: AsyncStream<Void>) async {
        for await _ in hangUps {
            do {
                try await listeners.reloadTLS()
                Log.write(.info, "the TLS files were read again")
            } catch {
                Log.write(.error, "the TLS files cannot be read; the server keeps those it has: \(error)")
            }
        }
    }

    private static func world(_ authorizer: Authorizer, _ process: ProcessReading) -> APIConfiguration {
        let numbers = NumberStream()
        return APIConfiguration(
            authorizer: authorizer, random: { numbers.next() },
            clock: { DispatchTime.now().uptimeNanoseconds }, version: Version.text,
            process: { process.read() })
    }

    /// What the API tells: failures always, answers where they took long.
    private static func observe(_ event: APIEvent) {
        switch event {
        case .failed(let requestID, let cause):
            Log.write(.error, "a request failed", [("request_id", .string(requestID)), ("cause", .string(cause))])
        case .answered(let exchange) where exchange.status >= 500:
            Log.write(
                .warning, "a request was answered with an error",
                [
                    ("request_id", .string(exchange.requestID)), ("method", .string(exchange.method)),
                    ("path", .string(exchange.path)), ("status", .integer(Int64(exchange.status))),
                ])
        case .answered: break
        }
    }

    /// Says on standard output that the server is ready: others wait for this line.
    private static func announce(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}

extension ListenAddress {
    /// Port 8080 on loopback.
    static let standard = ListenAddress(host: "127.0.0.1", port: 8080)

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}
