// Calls on files and directories: read, write, create, rename, remove and lock.

import Glibc

/// Calls of the operating system with their errors turned into `EmbeddedPostgresError.directory`.
enum FileSystem {
    /// The result of `stat` for a path.
    struct Status {
        let isDirectory: Bool
        let owner: uid_t
        let group: gid_t
        /// The permission bits.
        let mode: mode_t
        /// The time of the last change of the content, in seconds.
        let modified: Int
    }

    /// The status of `path`, nil if it does not exist; a symbolic link is followed if `following` is set.
    static func status(_ path: String, following: Bool = true) throws(EmbeddedPostgresError) -> Status? {
        var info = Glibc.stat()
        let code = unsafe following ? stat(path, &info) : lstat(path, &info)
        guard code == 0 else {
            if errno == ENOENT { return nil }
            throw failure("look at", path)
        }
        return Status(
            isDirectory: info.st_mode & S_IFMT == S_IFDIR, owner: info.st_uid, group: info.st_gid,
            mode: info.st_mode & 0o7777, modified: info.st_mtim.tv_sec)
    }

    /// Creates a directory unless it exists; its parents must exist.
    static func makeDirectory(_ path: String, mode: mode_t) throws(EmbeddedPostgresError) {
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("create", path) }
    }

    /// Creates a directory and its missing parents.
    static func makeDirectories(_ path: String, mode: mode_t) throws(EmbeddedPostgresError) {
        var partial = ""
        for component in path.split(separator: "/") {
            partial += "/" + component
            if try status(partial) == nil { try makeDirectory(partial, mode: mode) }
        }
    }

    static func changeOwner(_ path: String, to account: Account) throws(EmbeddedPostgresError) {
        guard unsafe chown(path, account.user, account.group) == 0 else { throw failure("change the owner of", path) }
    }

    static func changeMode(_ path: String, to mode: mode_t) throws(EmbeddedPostgresError) {
        guard unsafe chmod(path, mode) == 0 else { throw failure("change the permissions of", path) }
    }

    static func move(_ source: String, to target: String) throws(EmbeddedPostgresError) {
        guard unsafe rename(source, target) == 0 else { throw failure("rename", source) }
    }

    /// Removes a file if it exists.
    static func remove(_ path: String) throws(EmbeddedPostgresError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// The content of a small file, nil if it does not exist.
    static func read(_ path: String) throws(EmbeddedPostgresError) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read", path)
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return String(decoding: content, as: UTF8.self) }
            content += buffer[..<count]
        }
    }

    /// Replaces a file atomically: it has its old or its new content at any time, even after a crash.
    static func replace(
        _ path: String, with content: String, owner: Account, mode: mode_t
    ) throws(EmbeddedPostgresError) {
        let temporary = path + ".new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("write", temporary) }
        defer { close(descriptor) }
        let bytes = Array(content.utf8)
        guard unsafe write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw failure("write", temporary)
        }
        guard owner.isCurrent || fchown(descriptor, owner.user, owner.group) == 0 else {
            throw failure("change the owner of", temporary)
        }
        try move(temporary, to: path)
    }

    /// Makes the entries of a directory survive a crash of the machine.
    static func synchronise(_ directory: String) throws(EmbeddedPostgresError) {
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("synchronise", directory) }
    }

    /// The names in a directory, in no order; none when it does not exist.
    static func names(in directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// The target of a symbolic link, nil if it cannot be read.
    static func target(ofLink path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return -1 }
            return unsafe readlink(path, base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The path without symbolic links, nil if it does not exist.
    static func resolved(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// The failure of the call that set `errno`.
    static func failure(_ action: String, _ path: String) -> EmbeddedPostgresError {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return EmbeddedPostgresError(.directory, "cannot \(action) \(path): \(reason)")
    }
}
