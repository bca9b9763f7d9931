// The bounds of what one request may ask for and one transaction may do, each with its reason.

/// The bounds of what one request may ask for and one transaction may do.
public enum TransactionLimits {
    /// Units of one claim: beyond this a lost worker costs too much again.
    public static let claimUnitsMax = 10_000

    /// Units up to which a claim is a small one: of these, what a claim costs by itself is more than what its units do.
    public static let smallClaimUnitsMax = 32

    /// Small claims that are made together at most: their units are about one block.
    public static let smallClaimsTogetherMax = 32

    /// Rows up to which a write to a root is a small one: of these, what a transaction costs by itself is more than what they do.
    public static let smallWriteRowsMax = 128

    /// Small writes that are carried out together at most: their rows are no more than `writeRowsStep`.
    public static let smallWritesTogetherMax = 64

    /// The longest lease without a heartbeat, in seconds: a day.
    public static let leaseSecondsMax = 86_400

    /// The shortest time between two notices of work to other processes: 50 a second, as every commit of one holds up
    /// the next.
    public static let noticeInterval: Duration = .milliseconds(20)

    /// After how long one of those who met blocks that somebody else held looks again: such a transaction takes a few
    /// milliseconds. Doubled each time, up to `contentionPauseMax`: a long write holds blocks for as long as it takes.
    public static let contentionPauseMin: Duration = .milliseconds(5)

    /// The longest pause of one who waits for blocks that somebody else holds.
    public static let contentionPauseMax: Duration = .seconds(1)

    /// The longest wait of one claim request, in seconds; workers ask again.
    public static let waitSecondsMax = 60

    /// Work blocks that one step of a claim locks: with one ready unit in each, a full batch in two steps.
    public static let claimBlocksMax = 1_024

    /// Units that one step of a claim judges at least.
    public static let claimJudgedMin = 64

    /// Units that a claim by a column finds at least, if there are as many, before it hands out those that belong
    /// together: 40 ms of work.
    public static let claimOrderedMin = 4_096

    /// As many times what was asked for it finds at least.
    public static let claimOrderedFactor = 4

    /// Units that one claiming transaction judges, so that it ends within a second even if none can be handed out.
    public static let claimJudgedMax = 65_536

    /// Units of a part of an increment at least, but for the last: a block is not cut.
    public static let partUnitsMin = 1_024

    /// Units of a part of an increment at most: of two that are read one beside the other one ends last, 30 ms of work.
    public static let partUnitsMax = 4_096

    /// Units that are judged as columns at a time: a few megabytes.
    public static let judgedStep = 8_192

    /// Units of a feature that are read ahead when a change marks them. Fewer are looked up as fast as the one who reads ahead is
    /// woken; of more the lookups take longer than a commit.
    static let readAheadUnits = 16...1_024

    /// Work blocks that one step of a resolve reads: half a megabyte.
    public static let resolveBlocksMax = 1_024

    /// How often a claim puts earlier versions back before it gives up until the next poll: the depth of a graph.
    public static let settleRoundsMax = 64

    /// Expired claims that one claiming transaction takes back.
    public static let expiredClaimsMax = 64

    /// Failing units whose time has come that one claiming transaction takes up again.
    public static let dueFailuresMax = 10_000

    /// The greatest cap on concurrent claims that can be set: each claim under a cap counts the active ones.
    public static let claimsCapMax = 10_000

    /// The greatest number of attempts that can be set.
    public static let attemptsCapMax = 1_000

    /// The longest delay before another attempt that can be set, in seconds: 30 days.
    public static let retrySecondsMax = 2_592_000

    /// Priorities go from minus this to this.
    public static let priorityMax = 1_000_000

    /// Attempts before a unit is quarantined, where its feature's settings do not say.
    public static let attemptsMax = 5

    /// The delay after the first failed attempt, doubled with each further one, where the settings do not say.
    public static let retryDelayFirst: Duration = .seconds(10)

    /// The longest delay between attempts, where the settings do not say.
    public static let retryDelayMax: Duration = .seconds(3_600)

    /// For how long a finished claim can answer a repeated report, in seconds: longer than any client retries.
    public static let batchMemorySeconds = 3_600.0

    /// Bytes of what was handed out with claims that a process remembers: 250 claims of 1,024 units with one field.
    public static let claimMemoryBytes = 32 << 20

    /// For how long an answer is given again to a request with the same idempotency key, in seconds: a day.
    public static let answerMemorySeconds = 86_400.0

    /// Changes that one transaction forgets: it locks what it removes, and nothing else.
    public static let changesForgottenStep = 8_192

    /// Such transactions one after the other; what is left is forgotten a minute later.
    public static let changesForgottenSteps = 100

    /// How often a retention tries to get what others hold, or looks whether they read as of before: each time it waits up
    /// to 150 ms, a minute and a half in all.
    public static let retentionTries = 600

    /// For how long a process remembers which secrets are accepted: so long a revocation takes to hold everywhere.
    public static let tokenMemory: Duration = .seconds(1)

    /// For how long it goes on remembering them while they cannot be read: a hiccup of the database must not turn
    /// everybody away.
    public static let tokenMemoryMax: Duration = .seconds(5)

    /// Secrets of API tokens that are accepted at a time: each process remembers all of them, about 300 bytes each.
    public static let tokenSecretsMax = 10_000

    /// Rows of a page when the request does not say.
    public static let pageRowsStandard = 100

    /// Rows of a page at most.
    public static let pageRowsMax = 10_000

    /// Long writes at a time, of a process: each keeps a connection while its body comes in, and others must be left.
    public static let streamedWritesMax = 2

    /// Rows and bytes of a part of a write: statements of 10 ms, and a megabyte in memory. While one part is written others
    /// are read and looked up, so what is not done beside something else is the first part's reading and the last one's writing.
    public static let partRowsMax = 4_096, partBytesMax = 2 << 20

    /// Rows and bytes of a write beyond which it is a long one, which others of the root wait for.
    public static let shortWriteRowsMax = 16_384, shortWriteBytesMax = 8 << 20

    /// For how long a long write waits for its next part: a slow client must not hold up a push for ever.
    public static let partPatience: Duration = .seconds(60)

    /// Rows of one write that are compared and stored at a time.
    public static let writeRowsStep = 8_192

    /// Record ids that one transaction of a verification covers, where the database computes: half a second, and 64 MB.
    public static let verifyRangeMax = 65_536

    /// Units of a verification that are judged in process at a time.
    public static let verifyJudgedMax = 8_192

    /// Every how manyth unit a verification judges in the database and in process, to hold one against the other.
    public static let verifyComparedStride = 1_024

    /// For how long a question after readiness waits for the database: less than the time-out of any probe that waits at
    /// all.
    public static let readinessPatience: Duration = .seconds(2)

    /// For how long a scrape of metrics waits for the database: it must answer within a scraper's ten seconds, also
    /// while the database is away or every connection is in use.
    public static let figuresPatience: Duration = .seconds(3)

    /// Faults that an answer names.
    public static let faultsMax = 100

    /// Characters of a worker's error text that are kept.
    public static let errorTextMax = 8_192

    /// Lineage entries that one trace returns.
    public static let traceNodesMax = 10_000

    /// Edges between a lineage entry and the farthest that a trace follows.
    public static let traceDepthMax = 1_000
}
