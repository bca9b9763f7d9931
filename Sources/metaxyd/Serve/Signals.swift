// Signals as an asynchronous stream.

import Dispatch
import Glibc

/// Handles some signals until it is stopped.
///
/// A signal keeps its default effect until `init` returns.
struct Signals {
    /// The numbers of the signals that arrive.
    let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    /// Handles the signals in `numbers`. Signals that arrive while one is being handled count as one.
    init(_ numbers: [Int32]) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self, bufferingPolicy: .bufferingNewest(1))
        self.stream = stream
        var sources: [any DispatchSourceSignal] = []
        for number in numbers {
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            // Dispatch takes over a signal some time after `resume` returns.
            await withCheckedContinuation { isHandled in
                source.setRegistrationHandler { isHandled.resume() }
                source.resume()
            }
            sources.append(source)
        }
        self.sources = sources
    }

    /// Stops handling the signals. The next one has its default effect.
    func stop() {
        for source in sources {
            source.cancel()
            signal(Int32(source.handle), SIG_DFL)
        }
    }
}
