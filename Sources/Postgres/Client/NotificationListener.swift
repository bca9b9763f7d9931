// Receives NOTIFY messages of PostgreSQL channels on a connection of its own.

/// An event of a listener.
public enum ListenerEvent: Sendable, Hashable {
    /// LISTEN is in force for every channel: notifications committed from now on are received.
    case listening
    /// A transaction with a NOTIFY was committed.
    case notification(channel: String, payload: String)
    /// The connection was lost and LISTEN is in force again; notifications in between were missed.
    case reconnected
    /// The reader was too slow and older events were dropped.
    case overflowed
}

/// Listens on channels until it is closed, across restarts of the server.
///
/// The listener has one connection and one thread, and connects again after a doubling delay. LISTEN needs a session,
/// so pgbouncer in transaction mode does not work.
public final class NotificationListener: Sendable {
    /// The events in order, for one reader; ends with `close`.
    public let events: AsyncStream<ListenerEvent>
    private let thread: ListenerThread

    /// Starts listening.
    ///
    /// - Parameters:
    ///   - configuration: `size`, `waitDeadline`, the time limits of statements and `preparedStatements` do not apply.
    ///   - channels: the names of the channels, in the server's spelling.
    ///   - bufferedEventsMax: events that wait for the reader; older ones are dropped beyond it.
    public init(_ configuration: PoolConfiguration, channels: [String], bufferedEventsMax: Int = 1024) {
        precondition(bufferedEventsMax >= 2, "a buffer holds an event and the note that others were dropped")
        let (events, continuation) = AsyncStream.makeStream(
            of: ListenerEvent.self, bufferingPolicy: .bufferingNewest(bufferedEventsMax))
        self.events = events
        self.thread = ListenerThread(configuration, channels, continuation)
        thread.start()
    }

    deinit {
        thread.stop()
    }

    /// Stops listening; `events` ends.
    public func close() {
        thread.stop()
    }
}
