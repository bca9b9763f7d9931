// The log: one JSON object a line on standard error.

import Glibc
import JSON

/// Writes log lines.
enum Log {
    /// How much a line matters.
    enum Level: String {
        case info, warning, error
    }

    /// Writes a line.
    ///
    /// - Parameter fields: further members; never a secret, never a parameter of a statement.
    static func write(_ level: Level, _ message: String, _ fields: [(String, JSONValue)] = []) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("time")
        writer.string(Timestamp.now)
        writer.key("level")
        writer.string(level.rawValue)
        writer.key("message")
        writer.string(message)
        for (name, value) in fields {
            writer.key(name)
            writer.value(value)
        }
        writer.endObject()
        writer.endLine()
        let bytes = writer.bytes
        // One write, so that lines of several threads do not mix. A log that cannot be written has nowhere to say so.
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

/// The wall clock, for log lines only: times in answers come from the database.
private enum Timestamp {
    static var now: String {
        var spec = timespec()
        clock_gettime(CLOCK_REALTIME, &spec)
        var parts = tm()
        gmtime_r(&spec.tv_sec, &parts)
        let date = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
        let time = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
        let micros = String(spec.tv_nsec / 1_000)
        return "\(date)T\(time).\(String(repeating: "0", count: 6 - micros.count))\(micros)Z"
    }

    private static func padded(_ number: Int32) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
