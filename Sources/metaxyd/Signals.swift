// The signals that the process acts on.

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

/// SIGHUP, from the moment that this is made until it is stopped.
struct HangUps {
    /// An element for each; several that arrive while one is acted on count as one.
    let stream: AsyncStream<Void>
    private let source: any DispatchSourceSignal

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.stream = stream
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler { continuation.yield() }
        source.resume()
    }

    /// Heeds the signal no longer; it is ignored from now on.
    func stop() { source.cancel() }
}
