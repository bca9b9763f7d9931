// CPU time, memory, descriptors and threads of this process, as Linux reports them.

import API
import Foundation
import Glibc

/// Reads the figures of the process.
struct ProcessReading: Sendable {
    private let startedAt = Date().timeIntervalSince1970
    private let connections: ServedConnections

    /// Starts with the time of the server's start.
    init(_ connections: ServedConnections) {
        self.connections = connections
    }

    /// The current figures; nil if the system does not provide them.
    func read() -> ProcessFigures? {
        var usage = rusage()
        var files = rlimit()
        guard
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0,
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0,
            let memory = Self.numbers("/proc/self/statm"), memory.count > 1,
            let descriptors = Self.entries("/proc/self/fd"), let threads = Self.entries("/proc/self/task")
        else { return nil }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        return ProcessFigures(
            cpuSeconds: Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime),
            residentBytes: memory[1] * page, virtualBytes: memory[0] * page, startedAt: startedAt,
            descriptors: descriptors, descriptorsMax: Int(clamping: files.rlim_cur), threads: threads,
            connections: connections.count)
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1e6
    }

    private static func numbers(_ path: String) -> [Int]? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    }

    private static func entries(_ path: String) -> Int? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var count = 0
        while let entry = readdir(directory) {
            // All other names are numbers.
            if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        return count
    }
}
