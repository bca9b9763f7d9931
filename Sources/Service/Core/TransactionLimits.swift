// The bounds of what one request may ask for and one transaction may do, each with its reason.

/// The bounds of what one request may ask for and one transaction may do.
public enum TransactionLimits {
    /// The greatest number of units of one claim. A lost worker wastes at most these.
    public static let claimUnitsMax = 10_000

    /// The greatest number of units of a small claim, whose fixed cost is more than that of its units.
    public static let smallClaimUnitsMax = 32

    /// The greatest number of small claims that are made together. Their units are about one block.
    public static let smallClaimsTogetherMax = 32

    /// The greatest number of rows of a small write to a root, whose fixed cost is more than that of its rows.
    public static let smallWriteRowsMax = 128

    /// The greatest number of small writes that are carried out together. Their rows are at most `writeRowsStep`.
    public static let smallWritesTogetherMax = 64

    /// The longest lease without a heartbeat, in seconds: a day.
    public static let leaseSecondsMax = 86_400

    /// The shortest time between two notices of work to other processes: 50 a second, because commits of notices wait for
    /// each other.
    public static let noticeInterval: Duration = .milliseconds(20)

    /// The pause before a task that met held blocks looks again. A transaction holds blocks for a few milliseconds. The pause
    /// doubles each time, up to `contentionPauseMax`, because a long write holds blocks until it ends.
    public static let contentionPauseMin: Duration = .milliseconds(5)

    /// The longest pause of a task that waits for held blocks.
    public static let contentionPauseMax: Duration = .seconds(1)

    /// The longest wait of one claim request, in seconds. Workers then ask again.
    public static let waitSecondsMax = 60

    /// The greatest number of blocks that one step of a claim locks. With one ready unit in each, two steps make a batch.
    public static let claimBlocksMax = 1_024

    /// The smallest number of units that one step of a claim judges.
    public static let claimJudgedMin = 64

    /// The smallest number of units that a claim in the order of a column considers, where there are as many: 40 ms of work.
    public static let claimOrderedMin = 4_096

    /// How many times the requested number of units such a claim considers at least.
    public static let claimOrderedFactor = 4

    /// The greatest number of units that one transaction of a claim judges, so that it ends within a second in any case.
    public static let claimJudgedMax = 65_536

    /// The smallest number of units of a part of an increment, except for the last part. A block is never cut.
    public static let partUnitsMin = 1_024

    /// The greatest number of units of a part of an increment: 30 ms of work, so that parts read in parallel end together.
    public static let partUnitsMax = 4_096

    /// Units that are judged as columns at a time: a few megabytes.
    public static let judgedStep = 8_192

    /// Work blocks that one step of a resolve reads: half a megabyte.
    public static let resolveBlocksMax = 1_024

    /// How often a claim puts earlier versions back before it ends without units. This is the greatest depth of a graph.
    public static let settleRoundsMax = 64

    /// The greatest number of expired claims that one transaction takes back.
    public static let expiredClaimsMax = 64

    /// The greatest number of failing units that one transaction makes candidates again.
    public static let dueFailuresMax = 10_000

    /// The greatest cap on concurrent claims. Each claim under a cap counts the active ones.
    public static let claimsCapMax = 10_000

    /// The greatest setting for the number of attempts.
    public static let attemptsCapMax = 1_000

    /// The greatest setting for the delay before another attempt, in seconds: 30 days.
    public static let retrySecondsMax = 2_592_000

    /// The greatest priority. The least is its negative.
    public static let priorityMax = 1_000_000

    /// The default number of attempts before a unit is quarantined.
    public static let attemptsMax = 5

    /// The default delay after the first failed attempt. It doubles with each further attempt.
    public static let retryDelayFirst: Duration = .seconds(10)

    /// The default longest delay between attempts.
    public static let retryDelayMax: Duration = .seconds(3_600)

    /// For how long a repeated report on a finished claim gets the same answer, in seconds. No client retries for longer.
    public static let batchMemorySeconds = 3_600.0

    /// The bytes of claims' units that a process keeps in memory: 250 claims of 1,024 units with one field.
    public static let claimMemoryBytes = 32 << 20

    /// For how long the answer to a request with an idempotency key is kept, in seconds: a day.
    public static let answerMemorySeconds = 86_400.0

    /// The greatest number of changes that one transaction deletes. It locks only these rows.
    public static let changesForgottenStep = 8_192

    /// The greatest number of such transactions in a row. The remaining changes are deleted a minute later.
    public static let changesForgottenSteps = 100

    /// How often a retention tries to get held locks, or looks for readers of old snapshots. Each try waits up to 150 ms: a
    /// minute and a half in all.
    public static let retentionTries = 600

    /// For how long a process keeps the accepted secrets in memory. A revocation takes as long to apply everywhere.
    public static let tokenMemory: Duration = .seconds(1)

    /// For how long a process keeps the accepted secrets while it cannot read them, so that a short outage of the database
    /// refuses no caller.
    public static let tokenMemoryMax: Duration = .seconds(5)

    /// The greatest number of accepted secrets. Each process keeps all of them in memory, about 300 bytes each.
    public static let tokenSecretsMax = 10_000

    /// Rows of a page when the request does not say.
    public static let pageRowsStandard = 100

    /// Rows of a page at most.
    public static let pageRowsMax = 10_000

    /// The greatest number of long writes of a process at a time. Each keeps a connection until its body has arrived.
    public static let streamedWritesMax = 2

    /// The rows and bytes of a part of a write: statements of 10 ms, and a megabyte in memory. While one part is written, the
    /// next ones are read and looked up.
    public static let partRowsMax = 4_096, partBytesMax = 2 << 20

    /// The greatest rows and bytes of a short write. A longer one makes other writers of the root wait.
    public static let shortWriteRowsMax = 16_384, shortWriteBytesMax = 8 << 20

    /// For how long a long write waits for its next part, so that a slow client does not block a push for ever.
    public static let partPatience: Duration = .seconds(60)

    /// Rows of one write that are compared and stored at a time.
    public static let writeRowsStep = 8_192

    /// The record ids that one transaction of a verification covers where the database judges: half a second, and 64 MB.
    public static let verifyRangeMax = 65_536

    /// The units of a verification that are judged in process at a time.
    public static let verifyJudgedMax = 8_192

    /// A verification judges one unit in so many both in the database and in process, and compares the results.
    public static let verifyComparedStride = 1_024

    /// For how long a readiness check waits for the database: less than the time-out of usual probes.
    public static let readinessPatience: Duration = .seconds(2)

    /// For how long a scrape of metrics waits for the database. The answer must come within a scraper's ten seconds, also
    /// while the database is away or every connection is in use.
    public static let figuresPatience: Duration = .seconds(3)

    /// The greatest number of faults in an answer.
    public static let faultsMax = 100

    /// The stored characters of a worker's error text.
    public static let errorTextMax = 8_192

    /// The greatest number of lineage entries in a trace.
    public static let traceNodesMax = 10_000

    /// The greatest depth of a trace, in edges.
    public static let traceDepthMax = 1_000
}
