// Registers a project's whole feature graph.

public import Feature
public import JSON
import Postgres
public import Store

/// A pushed graph.
public struct GraphPush: Sendable {
    /// The project. It is created with the standard settings where it does not exist.
    public var project: String
    /// Its features: spec and schema of each.
    public var features: [(spec: FeatureSpec, schema: JSONValue?)]
    /// The author's message.
    public var message: String?
    /// Tags, a JSON object.
    public var tags: JSONValue
    /// The project version that the client expects to replace, from `If-Match`; nil for any.
    public var expectedVersion: String?
    /// Whether only to compute the outcome.
    public var isDryRun: Bool

    /// A push of `features` to `project`.
    public init(
        project: String, features: [(spec: FeatureSpec, schema: JSONValue?)], message: String? = nil,
        tags: JSONValue = .object(JSONObject()), expectedVersion: String? = nil, isDryRun: Bool = false
    ) {
        self.project = project
        self.features = features
        self.message = message
        self.tags = tags
        self.expectedVersion = expectedVersion
        self.isDryRun = isDryRun
    }
}

/// How a feature differs from the project's previous version.
public enum FeatureChange: String, Hashable, Sendable {
    /// It was not part of the graph.
    case added
    /// Its definition, or a version that follows from its upstreams, differs.
    case changed
    /// It is the same.
    case unchanged
    /// It is no longer part of the graph.
    case removed
}

/// The outcome of a push.
public struct PushOutcome: Hashable, Sendable {
    /// A feature of the pushed graph, or one that is no longer in it.
    public struct Feature: Hashable, Sendable {
        /// A field, with its versions.
        public struct Field: Hashable, Sendable {
            /// Its key.
            public let key: FieldKey
            /// Its version.
            public let version: String
            /// Its code version.
            public let codeVersion: String
            /// Whether its version differs from before; true where it is new.
            public let isChanged: Bool
        }

        /// Its key.
        public let key: FeatureKey
        /// Its feature version.
        public let featureVersion: String
        /// Its definition version.
        public let definitionVersion: String
        /// How it differs from before.
        public let change: FeatureChange
        /// Its fields in the order of the spec.
        public let fields: [Field]
    }

    /// The project's version now.
    public let projectVersion: String
    /// Whether the project has had this version before.
    public let wasPushed: Bool
    /// The project's features by key, removed ones last.
    public let features: [Feature]
}

extension GraphService {
    /// Replaces a project's graph atomically: versions, definitions, and the work that follows from them.
    ///
    /// The records of each feature whose formula changed are marked for judgement. This combines bitmaps and reads no record.
    ///
    /// - Throws: `.invalidGraph` naming each culprit; `.preconditionFailed`; `.unavailable`.
    /// - Complexity: O(features) round trips; O(records / 1,024) row updates for each feature that changed.
    public func push(_ push: GraphPush, writer: Writer = Writer()) async throws(ServiceError) -> PushOutcome {
        try await transactions.change(exclusive: true) { (transaction) throws(ServiceError) in
            let plan = try PushPlan(push, transaction.catalog, transaction.visibleProjects)
            if plan.changesNothing || push.isDryRun { return plan.outcome(wasPushed: plan.changesNothing) }
            var execution = PushExecution(plan, push, writer)
            return try execution.run(&transaction)
        }
    }
}
