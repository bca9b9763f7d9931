// A server: its loops, from start to drain.

import HTTP
import Sockets
import Synchronization

/// An HTTP/1.1 server on event loops of its own.
public final class Server: Sendable {
    private enum State {
        case created
        case running([Worker], TLSContext?)
        case stopped
    }

    private let configuration: ServerConfiguration
    private let application: Application
    private let limits: CheckedLimits
    private let slots: ConnectionSlots
    private let state = Mutex(State.created)

    /// Creates a server; nothing happens before `start`.
    ///
    /// - Parameters:
    ///   - configuration: where and how to serve.
    ///   - application: what to serve.
    public init(configuration: ServerConfiguration, application: Application) {
        precondition(configuration.loops > 0, "a server has a loop")
        self.configuration = configuration
        self.application = application
        limits = CheckedLimits(configuration.limits)
        let descriptors = DescriptorLimit.current - configuration.limits.descriptorsReserved
        slots = ConnectionSlots(
            connectionsMax: max(min(configuration.limits.connectionsMax, descriptors), 1),
            refusalsMax: configuration.limits.refusalsMax)
    }

    /// Connections open now.
    public var connections: Int {
        slots.connections
    }

    /// Starts to listen and to serve; connections are taken when this returns.
    ///
    /// - Returns: the address, with the port that was chosen.
    /// - Throws: when the address cannot be listened at, or the system has no threads or descriptors.
    public func start() throws(ServerError) -> BoundAddress {
        do throws(SocketError) {
            let tls = try configuration.tls.map { (files) throws(SocketError) in try TLSContext(files) }
            let wanted = try SocketAddress(host: configuration.host, port: configuration.port)
            // Alone first: a shared port would silently be shared with another process that listens there.
            let address = try Listener(wanted, isShared: false).address
            var workers: [Worker] = []
            for index in 0..<configuration.loops {
                let listener = try Listener(address, isShared: true)
                workers.append(
                    Worker(
                        loop: try EventLoop(name: "http-\(index)"), listener: listener, application: application,
                        limits: limits, slots: slots, tls: tls))
            }
            try startAll(workers)
            state.withLock { $0 = .running(workers, tls) }
            return BoundAddress(address)
        } catch {
            throw ServerError("\(error)")
        }
    }

    /// Starts all loops or none.
    private func startAll(_ workers: [Worker]) throws(SocketError) {
        for (index, worker) in workers.enumerated() {
            do throws(SocketError) {
                try worker.start()
            } catch {
                // Each ends its thread, which was all that kept it and its listener.
                for started in workers[..<index] {
                    started.loop.requestStop()
                }
                throw error
            }
        }
    }

    /// Reads the TLS files again, for new connections; those that are open keep what they have.
    ///
    /// - Throws: when a file cannot be read; the server goes on with what it has.
    public func reloadTLS() async throws(ServerError) {
        guard let files = configuration.tls, case .running(let workers, let previous) = state.withLock({ $0 }) else {
            return
        }
        let tls: TLSContext
        do throws(SocketError) {
            tls = try TLSContext(files, replacing: previous)
        } catch {
            throw ServerError("\(error)")
        }
        state.withLock { state in
            if case .running = state { state = .running(workers, tls) }
        }
        for worker in workers {
            await worker.replace(tls)
        }
    }

    /// Shuts down: stops listening at once, closes idle connections, lets requests in work finish, with
    /// `Connection: close` on their answers, and cancels those that are not finished in time.
    ///
    /// Cancelling the caller's task ends the grace.
    ///
    /// - Parameters:
    ///   - grace: how long requests in work may take.
    ///   - whenClosing: called once every answer to come says `Connection: close`.
    public func drain(grace: Duration, whenClosing: () -> Void = {}) async {
        let workers: [Worker] = state.withLock { state in
            guard case .running(let workers, _) = state else { return [] }
            state = .stopped
            return workers
        }
        for worker in workers {
            await worker.stopListening()
        }
        whenClosing()
        for worker in workers {
            await worker.closeIdle()
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for worker in workers {
                    await worker.waitUntilEmpty()
                }
            }
            group.addTask {
                do {
                    try await Task.sleep(for: grace)
                } catch {
                    // Everything has finished, and nothing is left to close; or the caller has no more patience.
                }
                for worker in workers {
                    await worker.closeAll()
                }
            }
            await group.next()
            group.cancelAll()
        }
        for worker in workers {
            await worker.loop.stop()
        }
    }
}
