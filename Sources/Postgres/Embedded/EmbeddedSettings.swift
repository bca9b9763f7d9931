// The configuration file of the embedded PostgreSQL, with a reason for each setting.

/// The configuration of the embedded server, written anew at each start.
enum EmbeddedSettings {
    /// One line of the file.
    struct Setting {
        let name: String
        let value: String
        let reason: String
    }

    /// The name of the file in the cluster's directory.
    static let fileName = "metaxy.conf"
    /// Settings of an operator, read last; relative to the cluster's directory.
    static let localFileName = "local.conf"

    /// The initial content of that file.
    static let localText = "# Settings in this file override those of \(fileName) and stay as they are.\n"

    /// The text of the configuration file.
    ///
    /// - Parameter memory: the memory limit of the server's processes together, in bytes; nil if it is unknown.
    static func text(socketDirectory: String, logDirectory: String, durable: Bool, memory: Int?) -> String {
        let settings =
            fixed + (durable ? [cache(memory)] : volatile)
            + [
                Setting(
                    name: "unix_socket_directories", value: listed(socketDirectory),
                    reason: "The only way in, a directory that nobody else can enter."),
                Setting(
                    name: "log_directory", value: quoted(logDirectory), reason: "Beside the cluster, for operators."),
            ]
        let lines = settings.map { "# \($0.reason)\n\($0.name) = \($0.value)\n" }
        return "# Written at each start. Put changes into \(localFileName) beside this file.\n\n"
            + lines.joined(separator: "\n")
            + "\n# What is said there has the last word.\ninclude = '\(localFileName)'\n"
    }

    /// Quotes a string for the configuration file, in which a backslash escapes.
    private static func quoted(_ text: String) -> String {
        "'" + text.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "'"
    }

    /// Quotes one directory for a setting that takes a list.
    private static func listed(_ directory: String) -> String {
        quoted("\"" + directory.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\"")
    }

    private static let fixed = [
        Setting(name: "listen_addresses", value: "''", reason: "No network: the database is private to one server."),
        Setting(name: "unix_socket_permissions", value: "0700", reason: "Only the owner of the socket connects."),
        Setting(
            name: "max_connections", value: "100",
            reason: "Several pools of 8 to 32 and an operator's psql; a slot costs about 20 kB while it is unused."),
        Setting(
            name: "dynamic_shared_memory_type", value: "posix", reason: "The default, said so that no probe decides it."
        ),
        Setting(
            name: "work_mem", value: "16MB", reason: "Joins of a million narrow rows stay in few batches on disk."),
        Setting(name: "maintenance_work_mem", value: "128MB", reason: "Building an index sorts mostly in memory."),
        Setting(name: "wal_level", value: "replica", reason: "Allows pg_basebackup and archiving, for backups."),
        Setting(
            name: "max_wal_size", value: "2GB",
            reason: "Bulk ingest checkpoints every few minutes, not seconds; also bounds recovery after a crash."),
        Setting(name: "wal_compression", value: "lz4", reason: "Full page images shrink by half for little CPU."),
        Setting(
            name: "default_toast_compression", value: "lz4",
            reason: "What is handed out with a claim is compressed at a fifth of the cost."),
        Setting(name: "checkpoint_completion_target", value: "0.9", reason: "Spreads the writes of a checkpoint."),
        Setting(name: "random_page_cost", value: "1.1", reason: "Solid-state disks: random reads cost about the same."),
        Setting(name: "effective_io_concurrency", value: "64", reason: "Bitmap scans prefetch on solid-state disks."),
        Setting(name: "jit", value: "off", reason: "Compiling takes longer than these short statements."),
        Setting(
            name: "autovacuum_vacuum_cost_delay", value: "1ms",
            reason: "Small hot tables must be vacuumed as fast as they change."),
        Setting(name: "timezone", value: "'UTC'", reason: "Times look the same on every machine."),
        Setting(name: "log_timezone", value: "'UTC'", reason: "As the server's own log."),
        Setting(name: "logging_collector", value: "on", reason: "Rotates the log."),
        Setting(
            name: "log_filename", value: "'postgresql-%a.log'",
            reason: "A file for each weekday, overwritten a week later: the log is bounded."),
        Setting(name: "log_truncate_on_rotation", value: "on", reason: "Overwrites the file of a week ago."),
        Setting(name: "log_rotation_age", value: "1d", reason: "One file a day."),
        Setting(name: "log_rotation_size", value: "0", reason: "By day only."),
        Setting(name: "log_line_prefix", value: "'%m [%p] %q%u@%d '", reason: "Time, process, user and database."),
        Setting(name: "log_min_duration_statement", value: "1s", reason: "Slow statements show up."),
        Setting(
            name: "log_parameter_max_length", value: "0", reason: "Parameters are data and stay out of logs."),
        Setting(name: "log_lock_waits", value: "on", reason: "So do long waits for locks."),
    ]

    /// Half of the value that PostgreSQL's manual advises for a dedicated machine (section 20.4.1), because this
    /// process and the page cache share the memory. docs/decisions/0012 has the measurements.
    private static func cache(_ memory: Int?) -> Setting {
        let megabytes = memory.map { min(max(($0 / 8) >> 20, 128), 4096) } ?? 256
        return Setting(
            name: "shared_buffers", value: "\(megabytes)MB",
            reason: "An eighth of the memory, 128 MB to 4 GB; pages are taken when they are first used.")
    }

    private static let volatile = [
        Setting(name: "shared_buffers", value: "256MB", reason: "Tests run beside each other and hold little."),
        Setting(name: "max_connections", value: "400", reason: "Tests run beside each other, each with a pool."),
        Setting(name: "fsync", value: "off", reason: "Nothing here has to survive a crash of the machine."),
        Setting(name: "synchronous_commit", value: "off", reason: "As fsync."),
        Setting(name: "full_page_writes", value: "off", reason: "As fsync."),
    ]
}
