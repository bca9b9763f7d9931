// The contract as it is embedded in the program.

/// The OpenAPI description of this API: one document in two forms, which a test holds equal.
enum Contract {
    /// As it is written.
    static let yaml: [UInt8] = PackageResources.openapi_yaml
    /// As programs read it.
    static let json: [UInt8] = PackageResources.openapi_json
}
