// MemoryLimit: how much memory the processes of this control group may take.

/// What Linux lets this process and those that it starts take, all together.
enum MemoryLimit {
    /// Bytes: the memory of the machine, or the least limit of a control group around this process where one is less; nil
    /// where Linux tells neither.
    ///
    /// Inside a container the path of its group may be that of the host and lead nowhere; its limit then stands at the root.
    /// (proc(5), cgroups(7); `memory.max` of version 2, `memory.limit_in_bytes` of version 1.)
    ///
    /// - Parameter content: the content of a file, nil where it cannot be read.
    static func bytes(reading content: (String) -> String?) -> Int? {
        let groups = (content("/proc/self/cgroup") ?? "").split(separator: "\n")
        let limits = groups.flatMap { files(of: $0).compactMap { content($0).flatMap(number) } }
        return (limits + [machine(content("/proc/meminfo") ?? "")].compactMap { $0 }).min()
    }

    /// As `bytes(reading:)`, of the files of this machine.
    static func bytes() -> Int? {
        // A file that is not there or may not be read tells no limit.
        bytes { (try? FileSystem.read($0)) ?? nil }
    }

    /// "MemTotal:       24103964 kB"
    private static func machine(_ information: String) -> Int? {
        let total = information.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        return total?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// The files that may say a limit for a line `number:controllers:path`: of the group and of all around it.
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
