// The route table, the codes and the contract say the same.

import HTTP
import JSON
import Service
import Testing

@testable import API

@Suite("The contract")
struct ContractTests {
    private let contract = World.contract

    @Test("lists exactly the routes of the table")
    func routes() {
        let table = Routes.table.map { "\($0.method.name) \($0.template.text) \($0.operation)" }.sorted()
        let file = contract.operations.map { operation in
            "\(operation.method) \(operation.path) \(operation.json["operationId"]?.stringValue ?? "")"
        }.sorted()
        #expect(table == file)
    }

    @Test("lists exactly the parameters of each route", arguments: Routes.table.map(\.operation))
    func parameters(_ name: String) throws {
        let route = try #require(Routes.table.first { $0.operation == name })
        let operation = try #require(contract.operations.first { $0.json["operationId"]?.stringValue == name })
        func names(_ place: String) -> [String] {
            operation.parameters.filter { $0["in"]?.stringValue == place }.compactMap { $0["name"]?.stringValue }
                .sorted()
        }
        #expect(names("query") == route.query.sorted())
        let inPath = route.template.parts.compactMap { part -> String? in
            switch part {
            case .literal: nil
            case .one(let name), .many(let name): name
            }
        }
        #expect(names("path") == inPath.sorted())
    }

    @Test("asks for the scope that the table asks for", arguments: Routes.table.map(\.operation))
    func scopes(_ name: String) throws {
        let route = try #require(Routes.table.first { $0.operation == name })
        let operation = try #require(contract.operations.first { $0.json["operationId"]?.stringValue == name })
        let scopes = operation.json["security"]?.arrayValue?.flatMap { $0["bearer"]?.arrayValue ?? [] }
        #expect(scopes?.compactMap(\.stringValue) == (route.scope.map { [$0.rawValue] } ?? []))
        let responses = operation.json["responses"]?.objectValue?.keys ?? []
        #expect(responses.contains("401") == (route.scope != nil))
        #expect(responses.contains("403") == (route.scope != nil))
        #expect(responses.contains("default") && responses.contains("400"))
    }

    @Test("declares problems only with statuses that some code has")
    func statuses() {
        let known = Set(ProblemCode.allCases.map { String($0.status.code) })
        for operation in contract.operations {
            for response in operation.json["responses"]?.objectValue ?? [:] where response.name >= "4" {
                #expect(response.name == "default" || known.contains(response.name), "\(operation.path)")
            }
        }
    }

    @Test("lists exactly the codes")
    func codes() {
        let listed = contract.document["components"]?["schemas"]?["ProblemCode"]?["enum"]?.arrayValue ?? []
        #expect(listed.compactMap(\.stringValue) == ProblemCode.allCases.map(\.rawValue))
    }

    @Test("docs/errors.md lists exactly the codes, each with its status")
    func errorsPage() throws {
        let page = try Repository.text("docs/errors.md")
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: "|").prefix(2).map { $0.filter { $0 != " " && $0 != "`" } }.joined(separator: " ")
        }
        #expect(rows == ProblemCode.allCases.map { "\($0.rawValue) \($0.status.code)" })
    }

    @Test("is served as it is written, in both forms")
    func served() async throws {
        let world = World.withoutDatabase()
        let yaml = try await world.get("/openapi.yaml")
        #expect(try yaml.text == Repository.text("openapi.yaml"))
        #expect(yaml.headers["Content-Type"] == "application/yaml")
        #expect(try await world.get("/openapi.json").text == Repository.text("openapi.json"))
    }

    @Test("has the same content in both forms")
    func twins() throws {
        #expect(try Repository.run("scripts/openapi-json", "--check") == 0)
    }

    @Test("each example fits its schema")
    func examples() {
        for operation in contract.operations {
            var contents = [operation.json["requestBody"]?["content"]]
            for response in operation.json["responses"]?.objectValue ?? [:] {
                contents.append(contract.followed(response.value)["content"])
            }
            for content in contents.compactMap({ $0?.objectValue }).joined() {
                guard let example = content.value["example"], let schema = content.value["schema"] else { continue }
                #expect(contract.faults(example, schema, at: "") == [], "\(operation.method) \(operation.path)")
            }
        }
    }
}
