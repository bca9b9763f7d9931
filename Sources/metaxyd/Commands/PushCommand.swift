// metaxyd push: pushes a feature graph from a JSON or TOML file.

import ArgumentParser
import Foundation
import JSON

struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Push a project's feature graph from a JSON or TOML file, and show what changes.",
        discussion: "The file is the body of POST /v1/push: project, features, and optionally tags and message. "
            + "A file whose name ends in .toml is read as TOML 1.0, any other as JSON.")

    @Argument(help: "The file, or - for standard input.")
    var file: String

    @Flag(help: "Show what would change without changing anything.")
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
        guard let data else { throw .refused("cannot read \(file)") }
        do {
            return file.hasSuffix(".toml") ? try TOMLDocument.json(data) : try JSONValue(parsing: Array(data))
        } catch let error as TOMLDocument.Malformed {
            throw .refused("\(file) is not TOML: \(error.detail)")
        } catch {
            throw .refused("\(file) is not JSON: \(error)")
        }
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
