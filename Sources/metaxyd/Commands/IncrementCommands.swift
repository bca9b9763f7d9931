// metaxyd resolve, explain, failures and verify: what is to be done, why, and whether it is right.

import ArgumentParser
import JSON

struct ResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "Show what has to be done for a feature.")

    @Argument(help: "The key of the feature.")
    var feature: String

    @Option(help: "How many records to show.")
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
        commandName: "explain", abstract: "Say why a record is as it is, field by field.")

    @Argument(help: "The key of the feature.")
    var feature: String

    @Argument(help: "The record: a JSON object of its id columns.")
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
        commandName: "failures", abstract: "List what failed, or let it be tried again.",
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
        static let configuration = CommandConfiguration(abstract: "Let failed records be tried again at once.")

        @Argument(help: "The key of the feature.")
        var feature: String

        @Option(help: "Only records that pass; repeat it for several conditions.")
        var filter: [String] = []

        @OptionGroup(title: "Server")
        var options: ServerOptions

        func run() async throws {
            do throws(ExitReason) {
                let body: JSONValue =
                    filter.isEmpty ? .object([:]) : .object(["filter": .array(filter.map { .string($0) })])
                let answer = try await options.client().send("POST", "/v1/failures/\(feature)/retry", body: body)
                options.show(answer) { "\($0.cell("retried")) may be tried again\n" }
            } catch {
                throw error.exit()
            }
        }
    }
}

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Recompute what has to be done the slow way and compare.",
        discussion: "Ends with 1 where something is wrong.")

    @Argument(help: "The key of a feature; all without it.")
    var feature: String?

    @OptionGroup(title: "Server")
    var options: ServerOptions

    func run() async throws {
        do throws(ExitReason) {
            let body: JSONValue = feature.map { .object(["feature": .string($0)]) } ?? .object([:])
            let answer = try await options.client().send("POST", "/v1/admin/verify", body: body)
            options.show(answer, Self.text)
            if answer["mismatch_count"] != .integer(0) { throw .refused("the state is not what it should be") }
        } catch {
            throw error.exit()
        }
    }

    private static func text(_ answer: JSONValue) -> String {
        var table = Table(["feature", "id", "what is wrong"])
        let mismatches = answer["mismatches"]?.arrayValue ?? []
        for mismatch in mismatches { table.add(["feature", "id", "detail"].map { mismatch.cell($0) }) }
        return "\(answer.cell("checked")) checked, \(answer.cell("mismatch_count")) wrong\n"
            + (mismatches.isEmpty ? "" : table.text)
    }
}
