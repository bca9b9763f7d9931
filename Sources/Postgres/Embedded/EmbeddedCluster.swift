// Creates the cluster of the embedded PostgreSQL, with its role and its database.

import Glibc

/// The steps that make a cluster usable; all of them block.
struct EmbeddedCluster {
    static let superuser = "postgres"
    static let role = "metaxy"
    static let database = "metaxy"
    /// The environment of the programs: enough to find the shell that initdb calls. The variables of this process are
    /// not passed on, because its PG… variables would change the programs' behaviour.
    static let environment = ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"]

    let programs: EmbeddedPrograms
    let directory: EmbeddedDirectory

    /// Runs initdb unless the cluster exists, and returns whether it ran.
    ///
    /// The cluster is created under another name and renamed when it is complete. So a crash leaves either no cluster
    /// or a complete one.
    func initialise(durable: Bool) throws(EmbeddedPostgresError) -> Bool {
        guard try FileSystem.status(directory.cluster) == nil else { return false }
        let temporary = directory.cluster + ".new"
        if try FileSystem.status(temporary) != nil {
            try run(["/bin/rm", "-rf", temporary], "remove a half-made cluster")
        }
        try FileSystem.makeDirectory(temporary, mode: 0o700)
        if !directory.account.isCurrent { try FileSystem.changeOwner(temporary, to: directory.account) }
        let options = [
            "--pgdata", temporary, "--username", Self.superuser, "--encoding", "UTF8",
            // Text sorts in byte order, which is the same on every machine, and has Unicode's character classes.
            "--locale", "C.UTF-8", "--data-checksums", "--no-instructions",
            // Access to the socket's directory is the only protection: everybody who can enter it may connect.
            "--auth-local", "trust", "--auth-host", "reject",
        ]
        try run(
            programs.command("initdb", options + (durable ? [] : ["--no-sync"]), as: directory.account),
            "initialise \(directory.cluster)")
        try FileSystem.move(temporary, to: directory.cluster)
        try FileSystem.synchronise(directory.path)
        return true
    }

    /// Runs a command to its end.
    private func run(_ command: [String], _ purpose: String) throws(EmbeddedPostgresError) {
        let process = try ChildProcess.start(command, environment: Self.environment, output: directory.output)
        let status = process.reap()
        guard status == .exited(0) else {
            let reason = try FileSystem.read(directory.output) ?? ""
            throw EmbeddedPostgresError(
                .initialisationFailed, "cannot \(purpose) (\(status)): \(String(reason.suffix(2000)).oneLine)")
        }
    }

    /// Writes the configuration file for a start.
    func configure(socketDirectory: String, durable: Bool) throws(EmbeddedPostgresError) {
        let local = directory.cluster + "/" + EmbeddedSettings.localFileName
        if try FileSystem.status(local) == nil {
            try FileSystem.replace(local, with: EmbeddedSettings.localText, owner: directory.account, mode: 0o600)
        }
        let text = EmbeddedSettings.text(
            socketDirectory: socketDirectory, logDirectory: directory.logs, durable: durable,
            memory: MemoryLimit.bytes())
        try FileSystem.replace(
            directory.cluster + "/" + EmbeddedSettings.fileName, with: text, owner: directory.account, mode: 0o600)
    }

    /// Starts the server.
    func start() throws(EmbeddedPostgresError) -> ChildProcess {
        let file = directory.cluster + "/" + EmbeddedSettings.fileName
        let command = programs.command(
            "postgres", ["-D", directory.cluster, "-c", "config_file=\(file)"], as: directory.account)
        return try ChildProcess.start(command, environment: Self.environment, output: directory.output)
    }

    /// Creates the role that owns the database, and the database, where they are missing.
    ///
    /// The role is no superuser. So the service cannot do operations that it forbids itself, such as changing the
    /// lineage.
    static func prepare(_ connection: Connection) throws(PostgresError) {
        let hasRole = Statement("embedded_has_role", "SELECT 1 FROM pg_roles WHERE rolname = $1", prepare: false)
        if try connection.query(hasRole, [.text(role)]).isEmpty {
            try connection.script("CREATE ROLE \(role) LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
        }
        let hasDatabase = Statement(
            "embedded_has_database", "SELECT 1 FROM pg_database WHERE datname = $1", prepare: false)
        if try connection.query(hasDatabase, [.text(database)]).isEmpty {
            try connection.script("CREATE DATABASE \(database) OWNER \(role)")
        }
    }

    /// The connection string for a role and database of a server at `socketDirectory`.
    static func connectionString(socketDirectory: String, role: String, database: String) -> String {
        let host = socketDirectory.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
        return "host='\(host)' port=5432 user=\(role) dbname=\(database)"
    }
}
