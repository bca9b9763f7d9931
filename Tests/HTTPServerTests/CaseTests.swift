// The conformance and abuse cases against a real socket.

import HTTP
import HTTPServer
import HTTPSupport
import Sockets
import Testing

@Suite("The cases, over a socket")
struct CaseTests {
    enum Way: CaseIterable {
        case eventLoop
        case tasks
        case tls
    }

    @Test("each case is answered as it should be", arguments: Way.allCases)
    func answered(_ way: Way) async throws {
        let application = way == .tasks ? TestRoutes.applicationOfTasks : TestRoutes.application
        let files = TLSConfiguration(
            certificateChainPath: TLSFiles.path("server.pem"), privateKeyPath: TLSFiles.path("server.key"))
        let configuration = ServerConfiguration(
            host: "127.0.0.1", port: 0, loops: 2, limits: .patient, tls: way == .tls ? files : nil)
        let server = Server(configuration: configuration, application: application)
        let port = try server.start().port
        let faults = try await HTTPCase.playAll(port: port, tls: way == .tls ? TestTLS() : nil)
        #expect(faults == [])
        await server.drain(grace: .zero)
    }
}
