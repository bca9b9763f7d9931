// The contract as it is embedded in the program.

import CContract
import HTTP

/// The OpenAPI description of this API: one document in two forms, which a test holds equal.
enum ContractText {
    /// As it is written.
    static let yaml = bytes(contract_yaml)
    /// As programs read it.
    static let json = bytes(contract_json)

    /// The answer to `GET /openapi.yaml`.
    static var yamlAnswer: Response { .content(.yaml, yaml) }
    /// The answer to `GET /openapi.json`.
    static var jsonAnswer: Response { .json(json) }

    private static func bytes(_ document: contract_document) -> [UInt8] {
        // The bytes are constants of the program: they are there for ever, and `count` is their number.
        Array(UnsafeBufferPointer(start: document.bytes, count: document.count))
    }
}
