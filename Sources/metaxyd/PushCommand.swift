// metaxyd push: registers the graph of a file.

import ArgumentParser
import Foundation
import JSON

struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Register a project's graph from a JSON file, and show what changes.",
        discussion: "The file has what POST /v1/push takes: project, features, and optionally tags and message.")

    @Argument(help: "The file; - for standard input.")
    var file: String

    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false

    @OptionGroup(title: "Server")
    var options: ServerOptions

    func run() async throws {
        do throws(ExitReason) {
            let graph = try read()
            let answer = try await options.client().send(
                "POST", "/v1/push", query: dryRun ? [("dry_run", "true")] : [], body: graph)
            options.show(answer, text)
        } catch {
            throw error.exit()
        }
    }

    private func read() throws(ExitReason) -> JSONValue {
        let data =
            file == "-"
            ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
        guard let data else { throw .refused("the file \(file) cannot be read") }
        do { return try JSONValue(parsing: Array(data)) } catch { throw .refused("\(file) is no JSON: \(error)") }
    }

    private func text(_ answer: JSONValue) -> String {
        var table = Table(["feature", "change", "version", "changed fields"])
        for feature in answer["features"]?.arrayValue ?? [] {
            let fields = (feature["fields"]?.objectValue ?? [:]).filter { $0.value["changed"] == .bool(true) }
            table.add([
                feature.cell("key"), feature.cell("change"), feature.cell("feature_version"),
                fields.map(\.name).joined(separator: ", "),
            ])
        }
        let verb = dryRun ? "would be at" : answer["already_pushed"] == .bool(true) ? "is already at" : "is now at"
        return "\(answer.cell("project")) \(verb) \(answer.cell("project_version"))\n" + table.text
    }
}
