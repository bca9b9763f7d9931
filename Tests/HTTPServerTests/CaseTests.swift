// The conformance and abuse cases against a real socket.

import HTTP
import HTTPServer
import HTTPSupport
import Sockets
import Testing

@Suite("The cases, over a socket")
struct CaseTests {
    /// How long a connection has to be quiet to count as waiting, or as having said all.
    private static let quietSeconds = 0.2

    enum Way: CaseIterable {
        case eventLoop
        case tasks
        case tls
    }

    @Test("each case is answered as it should be", arguments: Way.allCases)
    func answered(_ way: Way) async throws {
        let cases = try HTTPCase.all()
        let application = way == .tasks ? TestRoutes.applicationOfTasks : TestRoutes.application
        let files = TLSConfiguration(
            certificateChainPath: TLSFiles.path("server.pem"), privateKeyPath: TLSFiles.path("server.key"))
        let configuration = ServerConfiguration(
            host: "127.0.0.1", port: 0, loops: 2, limits: .patient, tls: way == .tls ? files : nil)
        let server = Server(configuration: configuration, application: application)
        let port = try server.start().port
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<16 {
                group.addTask {
                    try await onThread {
                        for index in stride(from: lane, to: cases.count, by: 16) {
                            try Self.run(cases[index], port, way)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        await server.drain(grace: .zero)
    }

    private static func run(_ httpCase: HTTPCase, _ port: Int, _ way: Way) throws {
        let isHead = httpCase.steps.first?.sent?.starts(with: "HEAD".utf8) == true
        let client = try TestClient(port: port, heads: isHead ? [0] : [], tls: way == .tls ? TestTLS() : nil)
        for step in httpCase.steps {
            guard let bytes = step.sent else {
                client.finishSending()
                continue
            }
            do {
                try client.send(bytes)
            } catch is TestClient.Broken {
                // The server may refuse before it has read everything.
            }
            if step.waitMilliseconds > 20 { try client.readAll(quietFor: quietSeconds) }
        }
        // What has to come is waited for, however busy the machine is.
        while !httpCase.hasSaidEnough(client.observation), try client.readOnce(seconds: 10) {}
        try client.readAll(quietFor: quietSeconds)
        let faults = httpCase.faults(of: client.observation)
        #expect(faults.isEmpty, "\(httpCase.name), \(way): \(faults)")
    }
}
