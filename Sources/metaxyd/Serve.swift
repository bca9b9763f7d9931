// metaxyd serve: the service, until it is asked to stop.

import API
import ArgumentParser
import Foundation
import HTTP
import HTTPServer
import JSON
import Postgres
import Service
import Sockets

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until SIGTERM or SIGINT.",
        discussion: "One line on standard output says where it listens, once it is ready.")

    /// How long requests in work may take after the server was asked to stop.
    private static let drainGrace: Duration = .seconds(30)

    @Option(help: "Where to listen; port 0 picks one.")
    var listen = ListenAddress.standard

    @Option(help: "Where the embedded PostgreSQL lives when DATABASE_URL is not set.")
    var dataDir = "./metaxy-data"

    @Option(help: "Connections to PostgreSQL at most.")
    var databaseConnections = 8

    @Flag(help: "Let everyone do everything; only where nobody but this machine can connect.")
    var insecureNoAuth = false

    @OptionGroup(title: "TLS")
    var tls: TLSOptions

    func validate() throws {
        guard (1...1_000).contains(databaseConnections) else {
            throw ValidationError("--database-connections takes a number from 1 to 1000")
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
        let api = API(metaxy: metaxy, configuration: Self.world(authorizer), observe: Self.observe)
        let application = Application(
            fastPath: { api.fastPath($0) }, protocolError: { api.refusal($0, $1) }, handler: { await api.respond($0) })
        let server = Server(
            configuration: ServerConfiguration(
                host: listen.host, port: listen.port, loops: Processors.available,
                limits: HTTP.Limits(), tls: tls.files),
            application: application)
        // Watched before anybody knows that the server is there.
        let hangUps = tls.files.map { _ in HangUps() }
        let housekeeping = Task { await Housekeeping(metaxy: metaxy).run() }
        do {
            let address = try server.start()
            Self.announce("metaxyd listens on \(tls.files == nil ? "http" : "https")://\(address)")
        } catch {
            housekeeping.cancel()
            throw .configuration("cannot serve on \(listen.host):\(listen.port): \(error)")
        }
        let reloading = Task { [stream = hangUps?.stream] in
            if let stream { await Self.reloadTLS(of: server, at: stream) }
        }
        let number = await Signals.stop()
        reloading.cancel()
        hangUps?.stop()
        Log.write(.info, "stopping", [("signal", .integer(Int64(number)))])
        metaxy.drain()
        await server.drain(grace: Self.drainGrace)
        housekeeping.cancel()
        await housekeeping.value
    }

    /// Reads the TLS files again at each hang-up; what cannot be read changes nothing.
    private static func reloadTLS(of server: Server, at hangUps: AsyncStream<Void>) async {
        for await _ in hangUps {
            do {
                try await server.reloadTLS()
                Log.write(.info, "the TLS files were read again")
            } catch {
                Log.write(.error, "the TLS files cannot be read; the server keeps those it has: \(error)")
            }
        }
    }

    private static func world(_ authorizer: Authorizer) -> APIConfiguration {
        let numbers = NumberStream()
        return APIConfiguration(
            authorizer: authorizer, random: { numbers.next() },
            clock: { DispatchTime.now().uptimeNanoseconds }, version: Version.text)
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
