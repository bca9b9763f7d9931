// MemoryLimit: what machines and control groups say.

import Testing

@testable import Postgres

@Suite struct MemoryLimitTests {
    static let machine = ["/proc/meminfo": "MemTotal:        8000000 kB\nMemFree:         100 kB\n"]

    static func bytes(_ files: [String: String]) -> Int? {
        MemoryLimit.bytes { files[$0] }
    }

    @Test func a_machine_without_groups_gives_all_of_its_memory() {
        #expect(Self.bytes(Self.machine) == 8_192_000_000)
        #expect(Self.bytes([:]) == nil)
    }

    @Test func the_least_limit_of_the_groups_around_a_process_counts() {
        let group = Self.machine.merging(["/proc/self/cgroup": "0::/system.slice/metaxyd.service\n"]) { $1 }
        let files = [
            "/sys/fs/cgroup/system.slice/memory.max": "3000000\n",
            "/sys/fs/cgroup/system.slice/metaxyd.service/memory.max": "max\n",
        ]
        #expect(Self.bytes(group) == 8_192_000_000)
        #expect(Self.bytes(group.merging(files) { $1 }) == 3_000_000)
        let inner = ["/sys/fs/cgroup/system.slice/metaxyd.service/memory.max": "2000000\n"]
        #expect(Self.bytes(group.merging(files) { $1 }.merging(inner) { $1 }) == 2_000_000)
    }

    @Test func a_container_finds_its_limit_at_the_root() {
        let files = ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "1000000\n"]
        #expect(Self.bytes(Self.machine.merging(files) { $1 }) == 1_000_000)
    }

    @Test func groups_of_the_first_version_are_read_too() {
        let groups = ["/proc/self/cgroup": "5:cpu:/a\n4:cpuset,memory:/pods/one\n0::/\nnonsense\n"]
        let unlimited = ["/sys/fs/cgroup/memory/pods/one/memory.limit_in_bytes": "9223372036854771712\n"]
        let limited = ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "500000000\n"]
        let files = Self.machine.merging(groups) { $1 }.merging(unlimited) { $1 }
        #expect(Self.bytes(files) == 8_192_000_000)
        #expect(Self.bytes(files.merging(limited) { $1 }) == 500_000_000)
    }

    @Test(arguments: [
        (nil, "256MB"), (0, "128MB"), (1 << 30, "128MB"), (2 << 30, "256MB"), (16 << 30, "2048MB"), (1 << 40, "4096MB"),
    ])
    func the_cache_of_the_embedded_server_is_an_eighth_within_bounds(memory: Int?, value: String) {
        let text = EmbeddedSettings.text(socketDirectory: "/s", logDirectory: "/l", durable: true, memory: memory)
        #expect(text.contains("\nshared_buffers = \(value)\n"))
    }
}
