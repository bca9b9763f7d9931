// The HTTP/1.1 server: starts its event loops, reloads TLS files, and shuts down gracefully.

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

    /// Creates a server. It does nothing before `start`.
    ///
    /// - Parameters:
    ///   - configuration: the address, the loops, the limits and the TLS files.
    ///   - application: the closures that answer requests.
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

    /// Starts to listen and to serve. The server accepts connections when this returns.
    ///
    /// - Returns: the address, with the port that the kernel chose.
    /// - Throws: when the server cannot listen at the address, or the system has no threads or descriptors.
    public func start() throws(ServerError) -> BoundAddress {
        do throws(SocketError) {
            let tls = try configuration.tls.map { (files) throws(SocketError) in try TLSContext(files) }
            let wanted = try SocketAddress(host: configuration.host, port: configuration.port)
            // First without sharing, which fails if another process listens at the address.
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
                // Ends the thread of each loop, which alone keeps its worker and its listener alive.
                for started in workers[..<index] {
                    started.loop.requestStop()
                }
                throw error
            }
        }
    }

    /// Reads the TLS files again, for new connections. Open connections keep their certificate.
    ///
    /// - Throws: when a file cannot be read; the server keeps its current certificate.
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

    /// Shuts down: stops listening at once, closes idle connections, and lets current requests finish, with
    /// `Connection: close` on their answers. Requests that do not finish in time are cancelled.
    ///
    /// Cancelling the caller's task ends the grace period.
    ///
    /// - Parameters:
    ///   - grace: the time limit for current requests.
    ///   - whenClosing: called once every further answer has `Connection: close`.
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
                    // Either all requests have finished and no connection is left, or the caller was cancelled.
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
