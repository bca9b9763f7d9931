// Signals as an asynchronous stream.

import Dispatch
import Glibc

/// Some signals, from the moment that this is made until it is stopped.
///
/// They are neither ignored nor deadly in between: until they are heeded they do what they do by default, and whoever has
/// this knows that they are.
struct Signals {
    /// The number of each that arrives.
    let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    /// Heeds the signals of `numbers`; several that arrive while one is acted on count as one.
    init(_ numbers: [Int32]) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self, bufferingPolicy: .bufferingNewest(1))
        self.stream = stream
        var sources: [any DispatchSourceSignal] = []
        for number in numbers {
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            // Dispatch takes a signal over somewhat later than `resume` returns.
            await withCheckedContinuation { isHeeded in
                source.setRegistrationHandler { isHeeded.resume() }
                source.resume()
            }
            sources.append(source)
        }
        self.sources = sources
    }

    /// Heeds the signals no longer: the next one does what it does by default.
    func stop() {
        for source in sources {
            source.cancel()
            signal(Int32(source.handle), SIG_DFL)
        }
    }
}
