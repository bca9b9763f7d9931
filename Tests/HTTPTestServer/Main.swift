// A server to run cases and load against: HTTPTestServer PORT LOOPS.

import HTTP
import HTTPServer
import HTTPSupport

@main
enum Main {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        guard arguments.count == 2 else {
            print("usage: HTTPTestServer PORT LOOPS")
            return
        }
        let configuration = ServerConfiguration(
            host: "127.0.0.1", port: arguments[0], loops: arguments[1], limits: ProtocolLimits())
        let server = Server(configuration: configuration, application: TestRoutes.application)
        print("listening at \(try server.start())")
        while true {
            try await Task.sleep(for: .seconds(3600))
        }
    }
}
