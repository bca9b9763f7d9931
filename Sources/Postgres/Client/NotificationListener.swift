// Listener: notifications of the server, on a connection of their own.

/// Something that a listener heard.
public enum ListenerEvent: Sendable, Hashable {
    /// LISTEN is in force for every channel: notifications committed from now on are heard.
    case listening
    /// Somebody committed a NOTIFY.
    case notification(channel: String, payload: String)
    /// The connection was lost and LISTEN is in force again; notifications in between were missed.
    case reconnected
    /// The reader was too slow and older events were dropped.
    case overflowed
}

/// Listens on channels for as long as it lives, whatever happens to the server.
///
/// It has one connection and one thread, and connects again after a doubling delay. It needs a server or pooler that
/// keeps a session, as LISTEN does: pgbouncer in transaction mode is none.
public final class NotificationListener: Sendable {
    /// Everything that happens, in order, for one reader; ends with `close`.
    public let events: AsyncStream<ListenerEvent>
    private let thread: ListenerThread

    /// Starts listening.
    ///
    /// - Parameters:
    ///   - configuration: its `size`, `waitDeadline`, time limits of statements and `preparedStatements` do not apply.
    ///   - channels: names, in the server's spelling.
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
