// TestDirectory: directories for servers of tests, removed at exit.

import Glibc
import Synchronization

/// Makes directories under `/tmp/metaxy-tests-<user>`, each named after the process that made it.
public enum TestDirectory {
    private static let made = Mutex<[String]>([])
    private static let lastActs = Mutex<[@Sendable () async -> Void]>([])
    private static let counter = Atomic<Int>(0)

    /// The directory for this user's tests. Others may pass through it: the server may run as another user.
    private static var parent: String { "/tmp/metaxy-tests-\(geteuid())" }

    /// Where to look for programs: the value of PATH.
    public static var searchPath: String {
        getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    }

    /// A new directory, which is removed when the process ends by itself.
    public static func create() throws(TestDirectoryError) -> String {
        if mkdir(parent, 0o711) != 0 && errno != EEXIST { throw TestDirectoryError("create", parent) }
        let directory = "\(parent)/\(getpid())-\(counter.add(1, ordering: .relaxed).newValue)"
        guard mkdir(directory, 0o711) == 0 else { throw TestDirectoryError("create", directory) }
        let isFirst = made.withLock { made in
            made.append(directory)
            return made.count == 1
        }
        if isFirst { atexit { TestDirectory.cleanUp() } }
        return directory
    }

    /// Has `act` run at exit, before the directories are removed; it gets 10 seconds.
    static func atExit(_ act: @escaping @Sendable () async -> Void) {
        lastActs.withLock { $0.append(act) }
    }

    /// Removes the directories of processes that no longer run.
    static func removeLeftovers() {
        guard let stream = opendir(parent) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let process = name.split(separator: "-").first.flatMap({ pid_t($0) }) else { continue }
            if kill(process, 0) != 0 && errno == ESRCH { remove("\(parent)/\(name)") }
        }
    }

    private static func cleanUp() {
        for act in lastActs.withLock({ $0 }) {
            let acting = Acting()
            Task {
                await act()
                acting.finish()
            }
            acting.wait(seconds: 10)
        }
        for directory in made.withLock({ $0 }) { remove(directory) }
    }

    private static func remove(_ directory: String) {
        var process = pid_t()
        var arguments = ["/bin/rm", "-rf", directory].map { strdup($0 as String) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        guard posix_spawn(&process, "/bin/rm", nil, nil, &arguments, &environment) == 0 else { return }
        waitpid(process, nil, 0)
    }
}

/// What the end of the process waits for.
private final class Acting: @unchecked Sendable {
    // @unchecked: semaphores are made to be shared by threads.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func finish() {
        sem_post(semaphore)
    }

    func wait(seconds: Int) {
        var limit = timespec()
        clock_gettime(CLOCK_REALTIME, &limit)
        limit.tv_sec += seconds
        while sem_timedwait(semaphore, &limit) == -1 && errno == EINTR {}
    }
}

/// A directory for tests could not be made.
public struct TestDirectoryError: Error, CustomStringConvertible {
    /// What failed and why.
    public let description: String

    init(_ action: String, _ path: String) {
        description = "cannot \(action) \(path): \(strerror(errno).map { String(cString: $0) } ?? "")"
    }
}
