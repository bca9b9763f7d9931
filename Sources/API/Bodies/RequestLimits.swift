// Every bound on what one request may send, with its reason.

/// The bounds of request contents. How long a head may be is the HTTP layer's to say, how much a use case does the
/// service's.
enum RequestLimits {
    /// Bytes of a body of records. All of it is one transaction, and its rows stand in memory until it commits.
    static let bulkBytesMax = 64 << 20

    /// Records of one body: the shortest rows would otherwise take fifty times their bytes in memory.
    static let bulkRowsMax = 500_000

    /// Records of a page of a streamed list, of its first one and at most: a page is a transaction, and stands in memory until
    /// it is sent. The first is small, as nothing is known yet of how long the rows are.
    static let streamRowsFirst = 64, streamRowsMax = 2_000

    /// Bytes that the lines of such a page should have: a client that reads slowly holds as much.
    static let streamPageBytes = 512 << 10

    /// Bytes that the lines of a part of an increment should have; some parts stand in memory at a time.
    static let partBytes = 4 << 20

    /// Bytes of any other body; a graph of a thousand features takes about one tenth.
    static let documentBytesMax = 16 << 20

    /// Times its own size that a compressed body may decode to. Rows that differ in nothing but their ids reach 40, usual
    /// ones 4; deflate itself reaches 1,032.
    static let expansionMax = 256

    /// Bytes from which an answer is worth compressing: below, it travels in one packet in any case.
    static let compressedBytesMin = 1_400

    /// Bytes of one record. Lineage keeps each version for ever: this is for metadata, not for data.
    static let rowBytesMax = 512 << 10

    /// Versions of a record that a retention can be told to keep: more are kept by days.
    static let keepVersionsMax = 1_000_000

    /// Days that a retention can be told to keep: a century.
    static let keepDaysMax = 36_500

    /// Bytes of one unit of an expansion with all its records: as many as a line may have in memory at once.
    static let unitBytesMax = 16 << 20

    /// Filters of one list; many conditions belong into one filter.
    static let filtersMax = 100

    /// Bytes of one field's provenance or data version; digests take at most 64.
    static let versionBytesMax = 1_024

    /// Bytes of the name of a column, as in a feature's spec.
    static let columnNameBytesMax = 255

    /// Bytes of a number, and the most that its exponent may say: far beyond any double, far within what the database
    /// holds.
    static let numberBytesMax = 1_024, exponentMax = 1_000

    /// Bytes of the names of projects and workers.
    static let nameBytesMax = 255

    /// Seconds that a token, or its old secret during a change, may live: ten years.
    static let tokenSecondsMax = 315_360_000

    /// Projects that a token may be limited to.
    static let tokenProjectsMax = 1_000

    /// Bytes of a push's message, and of a materialization id.
    static let messageBytesMax = 65_536, materializationBytesMax = 1_024

    /// Bytes of a body of lines, decoded, that are still looked at once something is wrong with it: what else is wrong is
    /// worth telling, and not worth a gigabyte that eight megabytes decode to.
    static let faultyBytesMax = 16 << 20

    /// Parts of an increment that are being read while one is written: as many database sessions of a request.
    static let partsAhead = 3

    /// Tags of a worker, or that a feature requires, and bytes of the name or value of one.
    static let tagsMax = 32, tagBytesMax = 255

    /// Seconds of computing that a worker may report or ask for at once: a year.
    static let computeSecondsMax = 31_536_000.0

    /// Features that one claim may choose from.
    static let claimFeaturesMax = 1_000
}
