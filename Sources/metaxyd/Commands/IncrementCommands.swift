// metaxyd resolve, explain, failures and verify: shows increments, their causes, failures, and mismatches.

import ArgumentParser
import JSON

struct ResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "Show the increment of a feature.")

    @Argument(help: "The key of the feature.")
    var feature: String

    @Option(help: "The maximum number of records to show.")
    var limit = 20

    @OptionGroup(title: "Server")
    var options: ServerOptions

    func run() async throws {
        do throws(ExitReason) {
            let answer = try await options.client().send(
                "POST", "/v1/resolve/\(feature)", body: .object(["limit": .integer(Int64(limit))]))
            options.show(answer, Self.text)
        } catch {
            throw error.exit()
        }
    }

    private static func text(_ answer: JSONValue) -> String {
        let counts = (answer["counts"]?.objectValue ?? [:]).map { "\($0.name) \($0.value.cell)" }
        let rows = answer["records"]?.arrayValue ?? []
        let ids = (rows.first?.objectValue ?? [:]).keys.filter { !$0.hasPrefix("metaxy_") }
        var table = Table(ids + ["change", "stale fields"])
        for row in rows {
            let fields = (row["metaxy_stale_fields"]?.arrayValue ?? []).compactMap(\.stringValue)
            table.add(ids.map { row.cell($0) } + [row.cell("metaxy_change"), fields.joined(separator: ", ")])
        }
        return counts.joined(separator: ", ") + "\n" + (rows.isEmpty ? "" : table.text)
    }
}

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Explain the state of a record, field by field.")

    @Argument(help: "The key of the feature.")
    var feature: String

    @Argument(help: "The id of the record, as a JSON object of its id columns.")
    var id: String

    @OptionGroup(title: "Server")
    var options: ServerOptions

    func run() async throws {
        do throws(ExitReason) {
            let answer = try await options.client().send("GET", "/v1/explain/\(feature)", query: [("id", id)])
            options.show(answer, Self.text)
        } catch {
            throw error.exit()
        }
    }

    private static func text(_ answer: JSONValue) -> String {
        var table = Table(["field", "cause", "of", "from", "to"])
        for field in answer["fields"]?.objectValue ?? [:] {
            let causes = field.value["causes"]?.arrayValue ?? []
            for cause in causes.isEmpty ? [.null] : causes {
                let input = [cause["feature"], cause["field"]].compactMap { $0?.stringValue }.joined(separator: ".")
                table.add([field.name, cause.cell("kind"), input, cause.cell("from"), cause.cell("to")])
            }
        }
        return "\(answer.cell("state"))\n" + table.text
    }
}

struct FailuresCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failures", abstract: "List failures, or allow another attempt.",
        subcommands: [List.self, Retry.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List failing and quarantined records.")

        @Argument(help: "The key of the feature.")
        var feature: String

        @OptionGroup(title: "Server")
        var options: ServerOptions

        func run() async throws {
            do throws(ExitReason) {
                let answer = try await options.client().send("GET", "/v1/failures/\(feature)")
                options.show(answer) { answer in
                    var table = Table(["id", "state", "attempts", "error"])
                    for failure in answer["failures"]?.arrayValue ?? [] {
                        table.add(["id", "state", "attempts", "error"].map { failure.cell($0) })
                    }
                    return table.text
                }
            } catch {
                throw error.exit()
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Allow another attempt at failed records, at once.")

        @Argument(help: "The key of the feature.")
        var feature: String

        @Option(help: "A condition that records must meet. Repeat it for several.")
        var filter: [String] = []

        @OptionGroup(title: "Server")
        var options: ServerOptions

        func run() async throws {
            do throws(ExitReason) {
                let body: JSONValue =
                    filter.isEmpty ? .object([:]) : .object(["filter": .array(filter.map { .string($0) })])
                let answer = try await options.client().send("POST", "/v1/failures/\(feature)/retry", body: body)
                options.show(answer) { "\($0.cell("retried")) will be tried again\n" }
            } catch {
                throw error.exit()
            }
        }
    }
}

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Recompute the state of every record from scratch and compare.",
        discussion: "Exits with 1 if there is a mismatch.")

    @Argument(help: "The key of a feature. Without it all features are verified.")
    var feature: String?

    @OptionGroup(title: "Server")
    var options: ServerOptions

    func run() async throws {
        do throws(ExitReason) {
            let body: JSONValue = feature.map { .object(["feature": .string($0)]) } ?? .object([:])
            let answer = try await options.client().send("POST", "/v1/admin/verify", body: body)
            options.show(answer, Self.text)
            if answer["mismatch_count"] != .integer(0) {
                throw .refused("the stored state differs from the recomputed one")
            }
        } catch {
            throw error.exit()
        }
    }

    private static func text(_ answer: JSONValue) -> String {
        var table = Table(["feature", "id", "mismatch"])
        let mismatches = answer["mismatches"]?.arrayValue ?? []
        for mismatch in mismatches { table.add(["feature", "id", "detail"].map { mismatch.cell($0) }) }
        return "\(answer.cell("checked")) checked, \(answer.cell("mismatch_count")) wrong\n"
            + (mismatches.isEmpty ? "" : table.text)
    }
}
