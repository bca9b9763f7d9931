// What the operating system says of the process.

/// The process in figures.
public struct ProcessFigures: Sendable, Hashable {
    /// Processor time in user and system mode since the start, in seconds.
    public var cpuSeconds: Double
    /// Memory in use and address space, in bytes.
    public var residentBytes: Int, virtualBytes: Int
    /// When it started: seconds since 1970.
    public var startedAt: Double
    /// File descriptors that are open and that may be.
    public var descriptors: Int, descriptorsMax: Int
    /// Threads.
    public var threads: Int
    /// Connections of HTTP clients.
    public var connections: Int

    /// Figures of these values.
    public init(
        cpuSeconds: Double, residentBytes: Int, virtualBytes: Int, startedAt: Double, descriptors: Int,
        descriptorsMax: Int, threads: Int, connections: Int
    ) {
        self.cpuSeconds = cpuSeconds
        self.residentBytes = residentBytes
        self.virtualBytes = virtualBytes
        self.startedAt = startedAt
        self.descriptors = descriptors
        self.descriptorsMax = descriptorsMax
        self.threads = threads
        self.connections = connections
    }
}

extension MetricsPage {
    /// The process.
    mutating func process(_ process: ProcessFigures) {
        counter(
            "process_cpu_seconds_total", "Processor time in user and system mode.", Self.number(process.cpuSeconds))
        gauge("process_resident_memory_bytes", "Memory in use.", process.residentBytes)
        gauge("process_virtual_memory_bytes", "Address space in use.", process.virtualBytes)
        family("process_start_time_seconds", "gauge", "When the process started, since 1970.")
        sample("process_start_time_seconds", [], Self.number(process.startedAt))
        gauge("process_open_fds", "File descriptors that are open.", process.descriptors)
        gauge("process_max_fds", "File descriptors that may be open.", process.descriptorsMax)
        gauge("process_threads", "Threads.", process.threads)
        gauge("http_server_connections_open", "Connections of HTTP clients.", process.connections)
    }
}
