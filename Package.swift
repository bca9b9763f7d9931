// swift-tools-version: 6.2
import PackageDescription

/// Every target: Swift 6 mode, warnings are errors, imports are internal unless said otherwise.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

/// Targets that call C: every unsafe expression is spelled `unsafe`.
let fenced = strict + [.strictMemorySafety()]

/// The READMEs of a target's rooms, which belong to no build; of the target itself if it has no rooms.
func readmes(_ rooms: String...) -> [String] {
    rooms.isEmpty ? ["README.md"] : rooms.map { "\($0)/README.md" }
}

let package = Package(
    name: "metaxy-server",
    products: [.executable(name: "metaxyd", targets: ["metaxyd"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // C, no Swift.
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CDigest", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev", "libxxhash-dev"])]),

        // Pure: no I/O, no clock, no randomness, no Foundation.
        .target(name: "Base", exclude: readmes(), swiftSettings: strict),
        .target(name: "JSON", dependencies: ["Base"], exclude: readmes(), swiftSettings: strict),
        .target(
            name: "Feature", dependencies: ["Base", "CDigest", "JSON"],
            exclude: readmes("Spec", "Graph", "Records", "Judgement", "Work", "Filter"), swiftSettings: strict),
        .target(
            name: "HTTP", dependencies: ["Base"], exclude: readmes("Rules", "Message", "Parsing", "Connection"),
            swiftSettings: strict),

        // Edges: each fences one C library.
        .target(name: "Threads", dependencies: ["CLinux"], exclude: readmes(), swiftSettings: fenced),
        .target(
            name: "Sockets", dependencies: ["CLinux", "COpenSSL", "Threads"], exclude: readmes(), swiftSettings: fenced),
        .target(name: "Gzip", dependencies: ["CZlib"], exclude: readmes(), swiftSettings: fenced),
        .target(
            name: "Postgres", dependencies: ["Base", "CPostgres", "Threads"],
            exclude: readmes("Errors", "Values", "Client", "Copy", "Pool", "Embedded"), swiftSettings: fenced),
        .target(
            name: "WebToken", dependencies: ["Base", "COpenSSL", "JSON"], exclude: readmes(), swiftSettings: fenced),

        // The service.
        .target(
            name: "HTTPServer", dependencies: ["Base", "HTTP", "Sockets"], exclude: readmes(), swiftSettings: strict),
        .target(
            name: "Migrations", path: "migrations", exclude: ["schema.sql"],
            resources: [
                .embedInCode("0001_create_registry.sql"),
                .embedInCode("0002_create_records.sql"),
                .embedInCode("0003_create_work.sql"),
                .embedInCode("0004_create_links.sql"),
                .embedInCode("0005_create_unit_storage.sql"),
                .embedInCode("0006_add_fingerprints.sql"),
                .embedInCode("0007_create_erasure.sql"),
                .embedInCode("0008_create_answers.sql"),
                .embedInCode("0009_create_access.sql"),
                .embedInCode("0010_slim_claim_batch.sql"),
                .embedInCode("0011_create_change_log.sql"),
                .embedInCode("0012_add_expiries.sql"),
                .embedInCode("0013_create_dispatch.sql"),
                .embedInCode("0014_add_failed_units.sql"),
                .embedInCode("0015_add_claim_order.sql"),
                .embedInCode("0016_bound_change_log.sql"),
                .embedInCode("0017_create_retention.sql"),
                .embedInCode("0018_separate_ready_blocks.sql"),
                .embedInCode("0019_add_head_keys.sql"),
                .embedInCode("0020_add_entry_places.sql"),
                .embedInCode("0021_skip_batch_statistics.sql"),
                .embedInCode("0022_fill_ready_blocks.sql"),
                .embedInCode("0023_bind_functions_to_schema.sql"),
                .embedInCode("0024_drop_entry_places.sql"),
            ],
            swiftSettings: strict),
        .target(
            name: "StoreSQL", path: "Sources/Store/SQL", exclude: ["README.md"],
            resources: [
                .embedInCode("access.sql"),
                .embedInCode("archive.sql"),
                .embedInCode("changes.sql"),
                .embedInCode("checks.sql"),
                .embedInCode("claims.sql"),
                .embedInCode("database.sql"),
                .embedInCode("failures.sql"),
                .embedInCode("lineage.sql"),
                .embedInCode("records.sql"),
                .embedInCode("registry.sql"),
                .embedInCode("retention.sql"),
                .embedInCode("work.sql"),
            ],
            swiftSettings: strict),
        .target(
            name: "Store", dependencies: ["Base", "Feature", "JSON", "Migrations", "Postgres", "StoreSQL"],
            exclude: [
                "SQL", "Archive/README.md", "Changes/README.md", "Claims/README.md", "Core/README.md",
                "Judging/README.md", "Records/README.md", "Registry/README.md", "Retention/README.md", "Work/README.md",
            ], swiftSettings: strict),
        .target(
            name: "Service", dependencies: ["Base", "Feature", "JSON", "Store"],
            exclude: readmes(
                "Access", "Claims", "Core", "Graph", "History", "Increments", "Judging", "Operations", "Records",
                "Units", "Waiting"), swiftSettings: strict),
        .target(name: "CContract"),
        .target(
            name: "API",
            dependencies: ["Base", "CContract", "Feature", "Gzip", "HTTP", "JSON", "Service", "Store", "WebToken"],
            exclude: [
                "README.md", "Access/README.md", "Answers/README.md", "Bodies/README.md", "Handlers/README.md",
                "Metrics/README.md", "Routing/README.md",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "metaxyd",
            dependencies: [
                "API", "Base", "Feature", "Gzip", "HTTP", "HTTPServer", "JSON", "Postgres", "Service", "Sockets",
                "Store", "WebToken",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            exclude: ["README.md", "Commands/README.md", "Serve/README.md", "Settings/README.md"],
            swiftSettings: strict),

        // Tests, one target each, plus what they share.
        .target(
            name: "TestSupport", dependencies: ["CPostgres", "Postgres"], path: "Tests/Support", swiftSettings: strict),
        .testTarget(name: "BaseTests", dependencies: ["Base"], swiftSettings: strict),
        .testTarget(name: "JSONTests", dependencies: ["Base", "JSON"], swiftSettings: strict),
        .testTarget(
            name: "FeatureTests", dependencies: ["Base", "Feature", "JSON", "Postgres", "TestSupport"],
            resources: [.copy("Fixtures")], swiftSettings: strict),
        .testTarget(name: "LeaseTests", dependencies: ["Base", "Feature"], swiftSettings: strict),
        .testTarget(
            name: "HTTPTests", dependencies: ["Base", "HTTP", "HTTPSupport"], exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "WebTokenTests", dependencies: ["Base", "JSON", "WebToken"], resources: [.copy("Fixtures")],
            swiftSettings: strict),
        .testTarget(name: "GzipTests", dependencies: ["Gzip", "HTTPSupport"], swiftSettings: strict),
        .target(
            name: "HTTPSupport", dependencies: ["COpenSSL", "HTTP", "HTTPServer", "Sockets"], path: "Tests/HTTPSupport",
            swiftSettings: strict),
        .executableTarget(
            name: "HTTPRequestReader", dependencies: ["Base", "HTTP"], path: "Tests/HTTPRequestReader",
            swiftSettings: strict),
        .executableTarget(
            name: "HTTPTestServer", dependencies: ["HTTP", "HTTPServer", "HTTPSupport", "Sockets"],
            path: "Tests/HTTPTestServer", swiftSettings: strict),
        .testTarget(
            name: "HTTPServerTests", dependencies: ["HTTP", "HTTPServer", "HTTPSupport", "Sockets"],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(name: "PostgresTests", dependencies: ["Base", "Postgres", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "APITests",
            dependencies: [
                "API", "Base", "Feature", "Gzip", "HTTP", "HTTPServer", "HTTPSupport", "JSON", "Postgres", "Service",
                "Store", "TestSupport", "WebToken",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "StoreTests", dependencies: ["Base", "Feature", "JSON", "Postgres", "Store", "TestSupport"],
            exclude: ["MadeStatements"],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
        .testTarget(
            name: "ProcessTests",
            dependencies: ["HTTP", "HTTPServer", "HTTPSupport", "JSON", "Postgres", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ServiceTests",
            dependencies: ["Base", "Feature", "JSON", "Postgres", "Service", "Store", "TestSupport"],
            exclude: ["Plans"], swiftSettings: strict),
    ]
)
