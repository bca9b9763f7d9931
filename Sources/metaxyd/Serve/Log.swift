// The log: one line for each event on standard error, as JSON, or as text on a terminal.

import Base
import Glibc
import JSON
import Synchronization

/// Writes log lines.
enum Log {
    /// The severity of a line.
    enum Level: UInt8, CaseIterable, Comparable {
        case debug, info, warning, error

        /// The level of this name.
        init?(name: String) {
            guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
            self = level
        }

        /// Its name.
        var name: String { "\(self)" }

        static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// The format of lines.
    enum Format: String {
        /// Text on a terminal, JSON elsewhere.
        case auto
        case json, text
    }

    private static let level = Atomic<UInt8>(Level.info.rawValue)
    private static let secrets = Mutex<[ConnectionSecrets]>([])
    private static let isText = Atomic<Bool>(isatty(STDERR_FILENO) == 1)

    /// Sets the lowest level that is written.
    static func set(_ level: Level) { Self.level.store(level.rawValue, ordering: .relaxed) }

    /// Sets the format.
    static func set(_ format: Format) {
        isText.store(format == .text || format == .auto && isatty(STDERR_FILENO) == 1, ordering: .relaxed)
    }

    /// Hides a connection string and its password in all lines.
    static func hide(secretsOf connectionString: String) {
        secrets.withLock { $0.append(ConnectionSecrets(connectionString)) }
    }

    /// Whether a level is written.
    static func writes(_ level: Level) -> Bool { level.rawValue >= Self.level.load(ordering: .relaxed) }

    /// Writes a line.
    ///
    /// - Parameter fields: further members. They must not hold secrets or values of statements.
    static func write(_ level: Level, _ message: String, _ fields: [(String, JSONValue)] = []) {
        guard writes(level) else { return }
        let time = Timestamp.now.description
        let hiding = secrets.withLock { $0 }
        let message = hiding.reduce(message) { $1.hidden(in: $0) }
        let fields = fields.map { name, value in
            (name, value.stringValue.map { .string(hiding.reduce($0) { $1.hidden(in: $0) }) } ?? value)
        }
        let bytes =
            isText.load(ordering: .relaxed)
            ? text(time, level, message, fields) : json(time, level, message, fields)
        // One write call keeps the lines of several threads apart. A failed write cannot be reported anywhere.
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func json(
        _ time: String, _ level: Level, _ message: String, _ fields: [(String, JSONValue)]
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, text) in [("time", time), ("level", level.name), ("message", message)] {
            writer.key(name)
            writer.string(text)
        }
        for (name, value) in fields {
            writer.key(name)
            writer.value(value)
        }
        writer.endObject()
        writer.endLine()
        return writer.bytes
    }

    private static func text(
        _ time: String, _ level: Level, _ message: String, _ fields: [(String, JSONValue)]
    ) -> [UInt8] {
        let pairs = fields.map { name, value -> String in
            var writer = JSONWriter()
            writer.value(value)
            return " \(name)=\(String(decoding: writer.bytes, as: UTF8.self))"
        }
        return Array("\(time) \(level.name): \(message)\(pairs.joined())\n".utf8)
    }
}

extension Timestamp {
    /// The wall clock, for log lines only. Times in answers come from the database.
    fileprivate static var now: Timestamp {
        var spec = timespec()
        clock_gettime(CLOCK_REALTIME, &spec)
        return Timestamp(microseconds: Int64(spec.tv_sec) * 1_000_000 + Int64(spec.tv_nsec) / 1_000)
    }
}
