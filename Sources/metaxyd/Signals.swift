// The signals that ask the process to stop.

import Dispatch
import Glibc

/// Waits for SIGTERM or SIGINT.
enum Signals {
    /// Returns the number of the first of these signals to arrive; a second one ends the process at once.
    static func stop() async -> Int32 {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
        var received = SIGTERM
        for await number in stream {
            received = number
            break
        }
        for source in sources { source.cancel() }
        signal(received, SIG_DFL)
        return received
    }
}
