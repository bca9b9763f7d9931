// Workers, servers and the network between them, simulated: only the servers' work on the database is real.

import Feature
import Service

/// What a worker asks a server.
enum SimulatedCall {
    case claim(feature: String, limit: Int)
    case heartbeat
    /// Ids, each with the mark that its result carries.
    case complete([String: String])
    case fail([String])
    case release
}

/// A request that is on its way, perhaps twice; it outlives the worker that sent it.
struct SimulatedRequest {
    let worker: Int
    /// Which life of the worker sent it: a worker that was killed knows nothing of it any more.
    let life: Int
    /// Numbers the requests of a life: an answer to an older one comes too late to matter.
    let number: Int
    let claim: Int64, token: Int64
    let call: SimulatedCall
}

/// What comes back.
enum SimulatedAnswer {
    case batch(claim: Int64, token: Int64, feature: String, ids: [String])
    case nothing
    case done
    case lost
}

/// One run: everything that happens follows from its seed.
///
/// Time is simulated and passes from event to event, in milliseconds; the database's clock follows by moving what it
/// compares with the clock into the past.
struct Simulation {
    /// Something that happens at its time.
    enum Event {
        case arrive(SimulatedRequest, server: Int)
        case answer(SimulatedAnswer, to: SimulatedRequest)
        /// A worker does what it does next.
        case act(worker: Int, life: Int)
        case write
        case keepHouse(server: Int)
        case start(server: Int)
    }

    static let features = ["made", "joined"]

    let rig: SimulationRig
    let seed: UInt64
    /// The ids of this run; no other has them.
    let ids: [String]
    var random: SeededRandom
    var now = 0
    /// The processes that serve; nil while one is down.
    var servers: [Metaxy?]
    var workers: [SimulatedWorker]
    var record = SimulationRecord()
    private var events: [(time: Int, event: Event)] = []
    private(set) var log: [String] = []

    /// A run over the database of `rig`.
    init(_ rig: SimulationRig, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        self.rig = rig
        self.seed = seed
        ids = (0..<1 + random.below(4)).map { "s\(seed)-\($0)" }
        servers = (0..<2 + random.below(2)).map { _ in rig.server() }
        workers = (0..<2 + random.below(3)).map { SimulatedWorker(number: $0) }
        self.random = random
    }

    /// Runs to the end: a while of faults, then one without, in which all work has to get done.
    mutating func run() async throws {
        for worker in workers.indices { after(random.below(2_000), .act(worker: worker, life: 0)) }
        for server in servers.indices { after(random.below(20_000), .keepHouse(server: server)) }
        try await write(ids)
        for _ in 0..<3 + random.below(5) { after(1 + random.below(60_000), .write) }
        for _ in 0..<40 + random.below(60) {
            guard let index = events.indices.min(by: { events[$0].time < events[$1].time }) else { break }
            let (time, event) = events.remove(at: index)
            now = max(now, time)
            try await happen(event)
        }
        try await workOff()
        try await check()
    }

    /// Puts an event on the calendar.
    mutating func after(_ delay: Int, _ event: Event) {
        events.append((now + delay, event))
    }

    mutating func note(_ text: String) {
        log.append("  \(now) ms: \(text)")
    }

    private mutating func happen(_ event: Event) async throws {
        switch event {
        case .arrive(let request, let server): try await arrive(request, at: server)
        case .answer(let answer, let request): hear(answer, to: request)
        case .act(let worker, let life): act(worker, life: life)
        case .write:
            try await write(random.some(1 + random.below(ids.count), of: ids))
        case .keepHouse(let server):
            try await rig.advance(to: now)
            try await servers[server]?.claims.expire()
            after(5_000 + random.below(20_000), .keepHouse(server: server))
        case .start(let server):
            servers[server] = rig.server()
            note("server \(server) is up")
        }
    }

    private mutating func write(_ some: [String]) async throws {
        guard let server = servers.compactMap({ $0 }).first else { return }
        if now > 0, random.chance(30) {
            var marks: [String: String] = [:]
            for id in some { marks[id] = "w\(now)" }
            note("overwrite \(some) without a claim")
            return try await rig.overwrite(marks, to: server)
        }
        let value = "v\(random.below(3))"
        note("write \(value) to \(some)")
        try await rig.write(some, value, to: server)
    }

    // MARK: - The network

    /// Sends a request to some server: it may get lost, take long, or arrive twice.
    mutating func send(_ request: SimulatedRequest) {
        if random.chance(8) { return note("a request of worker \(request.worker) is lost") }
        for _ in 0..<(random.chance(10) ? 2 : 1) {
            after(delay(), .arrive(request, server: random.below(servers.count)))
        }
    }

    private mutating func delay() -> Int {
        random.chance(12) ? random.below(40_000) : 1 + random.below(300)
    }

    private mutating func arrive(_ request: SimulatedRequest, at server: Int) async throws {
        guard let running = servers[server] else { return note("a request finds server \(server) down") }
        let dies = random.below(100)
        if dies < 3 {
            stop(server, "before it does anything")
            return
        }
        let answer = try await execute(request, running)
        if dies < 6 {
            stop(server, "before it answers")
        } else if !random.chance(8) {
            after(delay(), .answer(answer, to: request))
        }
    }

    private mutating func stop(_ server: Int, _ moment: String) {
        note("server \(server) is killed \(moment)")
        servers[server] = nil
        after(500 + random.below(20_000), .start(server: server))
    }
}
