// The memory limit of this process's control group.

/// The memory that Linux allows this process and its children together.
enum MemoryLimit {
    /// The memory of the machine, or the smallest limit of a control group around this process, in bytes; nil if Linux
    /// reports neither.
    ///
    /// Inside a container the group's path may be that of the host and not exist; its limit is at the root then.
    /// (proc(5), cgroups(7); `memory.max` of version 2, `memory.limit_in_bytes` of version 1.)
    ///
    /// - Parameter content: the content of a file, nil where it cannot be read.
    static func bytes(reading content: (String) -> String?) -> Int? {
        let groups = (content("/proc/self/cgroup") ?? "").split(separator: "\n")
        let limits = groups.flatMap { files(of: $0).compactMap { content($0).flatMap(number) } }
        return (limits + [machine(content("/proc/meminfo") ?? "")].compactMap { $0 }).min()
    }

    /// As `bytes(reading:)`, with the files of this machine.
    static func bytes() -> Int? {
        // A file that does not exist or may not be read sets no limit.
        bytes { (try? FileSystem.read($0)) ?? nil }
    }

    /// "MemTotal:       24103964 kB"
    private static func machine(_ information: String) -> Int? {
        let total = information.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        return total?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// The files with limits for a line `number:controllers:path`: those of the group and of all groups around it.
    private static func files(of line: Substring) -> [String] {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return [] }
        let isUnified = parts[1].isEmpty
        guard isUnified || parts[1].split(separator: ",").contains("memory") else { return [] }
        var path = "/sys/fs/cgroup" + (isUnified ? "" : "/memory")
        let file = isUnified ? "/memory.max" : "/memory.limit_in_bytes"
        var files = [path + file]
        for name in parts[2].split(separator: "/") {
            path += "/" + name
            files.append(path + file)
        }
        return files
    }

    /// A number of bytes; nil for `max`.
    private static func number(_ text: String) -> Int? {
        text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
    }
}
