// metaxyd push: registers the graph of a file.

import ArgumentParser
import Foundation
import JSON
import TOMLKit

struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Register a project's graph from a JSON or TOML file, and show what changes.",
        discussion: "The file has what POST /v1/push takes: project, features, and optionally tags and message. "
            + "Its name says what it is: .toml is TOML 1.0, anything else JSON.")

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
        let json = file.hasSuffix(".toml") ? try Self.json(ofTOML: data, file) : Array(data)
        do { return try JSONValue(parsing: json) } catch { throw .refused("\(file) is no JSON: \(error)") }
    }

    /// The JSON of a TOML document; its dates and times become texts.
    private static func json(ofTOML data: Data, _ file: String) throws(ExitReason) -> [UInt8] {
        guard let text = String(data: data, encoding: .utf8) else { throw .refused("\(file) is no UTF-8") }
        do {
            return Array(try TOMLTable(string: text).convert(to: .json).utf8)
        } catch let error as TOMLParseError {
            let place = error.source.begin
            throw .refused("\(file) is no TOML: line \(place.line), column \(place.column): \(error.description)")
        } catch {
            throw .refused("\(file) is no TOML: \(error)")
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
