// Starts a child process, sends it signals, and waits for its end.

import CPostgres
import Glibc

/// A program that this process has started.
struct ChildProcess: Sendable {
    let processID: pid_t

    /// The end of a program: an exit code or a signal.
    enum Status: Sendable, Hashable, CustomStringConvertible {
        case exited(Int32)
        case killed(signal: Int32)

        /// Decodes `waitpid`'s status; the macros of <sys/wait.h> are not imported.
        init(raw: Int32) {
            let signal = raw & 0x7F
            self = signal == 0 ? .exited((raw >> 8) & 0xFF) : .killed(signal: signal)
        }

        var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .killed(let signal): "signal \(signal)"
            }
        }
    }

    /// Starts `arguments[0]`, an absolute path, in a process group of its own, so that Ctrl-C in a terminal reaches
    /// this process alone. The program inherits no descriptor and no signal mask. Its output goes to the file `output`.
    static func start(
        _ arguments: [String], environment: [String], output: String
    ) throws(EmbeddedPostgresError) -> ChildProcess {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var processID = pid_t()
        let code = unsafe withCStrings(arguments) { arguments in
            unsafe withCStrings(environment) { environment in
                // posix_spawn does not change the strings; its type predates `const`.
                let arguments = unsafe UnsafeRawPointer(arguments).assumingMemoryBound(
                    to: UnsafeMutablePointer<CChar>?.self)
                let environment = unsafe UnsafeRawPointer(environment).assumingMemoryBound(
                    to: UnsafeMutablePointer<CChar>?.self)
                guard let program = unsafe arguments.pointee else { return EINVAL }
                return unsafe posix_spawn(&processID, program, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else {
            errno = code
            throw FileSystem.failure("start", arguments.first ?? "a program")
        }
        return ChildProcess(processID: processID)
    }

    /// Checks whether the program has ended, or blocks until it has. Its process id stays in use until `reap`.
    /// - Returns: whether it has ended.
    @discardableResult
    func awaitEnd(blocking: Bool = true) -> Bool {
        var info = unsafe siginfo_t()
        let flags = WEXITED | WNOWAIT | (blocking ? 0 : WNOHANG)
        while unsafe waitid(P_PID, id_t(processID), &info, flags) == -1 && errno == EINTR {}
        // waitid leaves the signal number 0 when nothing has ended.
        return unsafe info.si_signo == SIGCHLD
    }

    /// Blocks until the program has ended and gives its process id back to the system.
    func reap() -> Status {
        var raw: Int32 = 0
        while unsafe waitpid(processID, &raw, 0) == -1 && errno == EINTR {}
        return Status(raw: raw)
    }

    /// Sends a signal; the program may have ended already.
    func signal(_ signal: Int32) {
        kill(processID, signal)
    }
}
