// Finds and ends PostgreSQL processes that a crashed server left behind.

import Base
import Glibc

/// Finds and stops the processes of a cluster whose server was killed. The caller holds the directory's lock, so no
/// other server may use the cluster.
struct EmbeddedSurvivors {
    let cluster: String
    let socketDirectory: String
    /// Called with the process id of a postmaster that has to be stopped.
    let found: (pid_t) -> Void

    private static let pollInterval = Duration.milliseconds(10)

    /// Stops every process of the cluster and removes its lock files. The server would trust these files if another
    /// process had the same process id now.
    ///
    /// The processes of a cluster have its directory as their working directory. A leftover postmaster gets the signal
    /// for a fast shutdown; backends without a postmaster end by themselves.
    func stop(deadline: Duration) throws(EmbeddedPostgresError) {
        let signals: [(Int32, Duration)] = [(SIGINT, deadline), (SIGQUIT, .seconds(5)), (SIGKILL, .seconds(5))]
        for (signal, patience) in signals {
            let processes = survivors()
            guard !processes.isEmpty else { break }
            // The postmaster signals its backends itself; SIGINT would only cancel their statements.
            let postmaster = try postmasterID()
            for process in processes where signal != SIGINT || process == postmaster {
                if signal == SIGINT { found(process) }
                kill(process, signal)
            }
            waitUntilGone(patience)
        }
        guard survivors().isEmpty else {
            throw EmbeddedPostgresError(.stopTimedOut, "PostgreSQL processes in \(cluster) do not stop")
        }
        try FileSystem.remove(cluster + "/postmaster.pid")
        try FileSystem.remove("\(socketDirectory)/\(EmbeddedDirectory.socketName)")
        try FileSystem.remove("\(socketDirectory)/\(EmbeddedDirectory.socketName).lock")
    }

    private func postmasterID() throws(EmbeddedPostgresError) -> pid_t? {
        try FileSystem.read(cluster + "/postmaster.pid")?.split(separator: "\n").first.flatMap { pid_t($0) }
    }

    private func survivors() -> [pid_t] {
        FileSystem.names(in: "/proc").compactMap { pid_t($0) }.filter { process in
            FileSystem.target(ofLink: "/proc/\(process)/cwd") == cluster
                && FileSystem.target(ofLink: "/proc/\(process)/exe")?.contains("/postgres") == true
        }
    }

    private func waitUntilGone(_ patience: Duration) {
        let end = MonotonicTime.now() + patience
        while MonotonicTime.now() < end, !survivors().isEmpty { ClientThread.pause(Self.pollInterval) }
    }
}
