// metaxyd status: shows the progress of each feature.

import ArgumentParser
import Glibc
import JSON

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the progress of each feature.")

    @Flag(help: "Show it every two seconds, until interrupted.")
    var watch = false

    @OptionGroup(title: "Server")
    var options: ServerOptions

    func run() async throws {
        do throws(ExitReason) {
            let client = try options.client()
            while true {
                let answer = try await client.send("GET", "/v1/status")
                if watch && isatty(STDOUT_FILENO) == 1 { Output.text("\u{1B}[H\u{1B}[2J") }
                options.show(answer, Self.table)
                guard watch else { return }
                do { try await Task.sleep(for: .seconds(2)) } catch { return }
            }
        } catch {
            throw error.exit()
        }
    }

    private static func table(_ answer: JSONValue) -> String {
        let columns = [
            ("records", "records"), ("pending", "pending"), ("claimed", "claimed"), ("blocked", "blocked"),
            ("failing", "failing"), ("quarantined", "quarantined"), ("done %", "progress_percent"),
            ("oldest s", "oldest_pending_age_seconds"), ("per s", "rate_per_second"), ("s each", "seconds_per_unit"),
            ("left s", "estimated_seconds"),
        ]
        var table = Table(["feature"] + columns.map(\.0), numeric: Set(1...columns.count))
        for feature in answer["features"]?.arrayValue ?? [] {
            table.add([feature.cell("feature")] + columns.map { feature.cell($0.1) })
        }
        return table.text
    }
}
