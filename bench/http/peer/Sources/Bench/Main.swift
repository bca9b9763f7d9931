// The least Hummingbird application that answers what the benchmark asks: Bench PORT LOOPS.

import Hummingbird
import NIOPosix

@main
enum Main {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let router = Router()
        router.get("livez") { _, _ in "ok\n" }
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: arguments[0])),
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup(numberOfThreads: arguments[1])))
        try await application.runService()
    }
}
