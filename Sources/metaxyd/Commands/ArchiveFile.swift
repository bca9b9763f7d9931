// Archive files: streaming reads and writes, with gzip.

import Foundation
import Gzip
import Store

/// Writes an archive to a temporary file and renames it when it is complete.
final class ArchiveOutput {
    private let handle: FileHandle
    /// The final path; nil for standard output.
    private let path: String?
    private var encoder: GzipEncoder?

    /// Opens the file with mode 0600.
    ///
    /// - Parameters:
    ///   - file: its path; - for standard output.
    ///   - isCompressed: whether it is written as gzip.
    /// - Throws: `.file` where it exists already or cannot be made.
    init(_ file: String, isCompressed: Bool) throws(ArchiveError) {
        // Level 1: a higher level saves a few percent and takes longer than the rest of the export.
        encoder = isCompressed ? GzipEncoder(level: 1) : nil
        guard file != "-" else {
            (handle, path) = (.standardOutput, nil)
            return
        }
        guard !FileManager.default.fileExists(atPath: file) else { throw .file("\(file) already exists") }
        let descriptor = open(Self.part(of: file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file("cannot write \(file): \(String(cString: strerror(errno)))") }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        path = file
    }

    /// Writes the next bytes.
    func put(_ bytes: [UInt8]) throws(ArchiveError) {
        try write(encoder?.encode(bytes) ?? bytes)
    }

    /// Writes the last bytes and renames the file.
    func finish() throws(ArchiveError) {
        if let rest = encoder?.finish() { try write(rest) }
        guard let path else { return }
        guard fsync(handle.fileDescriptor) == 0, rename(Self.part(of: path), path) == 0 else {
            throw .file("cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Removes the temporary file.
    func abandon() {
        if let path { unlink(Self.part(of: path)) }
    }

    private static func part(of path: String) -> String { path + ".part" }

    private func write(_ bytes: [UInt8]) throws(ArchiveError) {
        guard !bytes.isEmpty else { return }
        do { try handle.write(contentsOf: Data(bytes)) } catch {
            throw .file("cannot write the archive: \(error)")
        }
    }
}

/// Reads an archive. Its first bytes show whether it is compressed.
final class ArchiveInput {
    private static let pieceBytes = 64 << 10
    /// RFC 1952 section 2.3.1. No JSON begins with these bytes.
    private static let magic: [UInt8] = [0x1F, 0x8B]
    /// Above the 1,032 that deflate can reach: an archive may expand as far as it likes.
    private static let ratioMax = 2_000

    private let handle: FileHandle
    private var decoder: GzipDecoder?
    private var hasBegun = false
    private var hasEnded = false

    /// Opens the file.
    ///
    /// - Parameter file: its path; - for standard input.
    /// - Throws: `.file`.
    init(_ file: String) throws(ArchiveError) {
        guard file != "-" else {
            handle = .standardInput
            return
        }
        guard let opened = FileHandle(forReadingAtPath: file) else { throw .file("cannot read \(file)") }
        handle = opened
    }

    /// The next bytes; nil at the end.
    func next() throws(ArchiveError) -> [UInt8]? {
        while !hasEnded {
            do throws(GzipError) {
                if let piece = try decoder?.next(max: Self.pieceBytes) { return piece }
            } catch {
                throw .damaged(line: 0, "the compressed data is damaged: \(error)")
            }
            guard let bytes = try read() else { return try end() }
            if !hasBegun {
                hasBegun = true
                if bytes.starts(with: Self.magic) {
                    decoder = GzipDecoder(outputBytesMax: .max, ratioMax: Self.ratioMax)
                }
            }
            guard decoder != nil else { return bytes }
            decoder?.feed(bytes)
        }
        return nil
    }

    private func end() throws(ArchiveError) -> [UInt8]? {
        hasEnded = true
        do throws(GzipError) { try decoder?.finish() } catch { throw .cut }
        return nil
    }

    private func read() throws(ArchiveError) -> [UInt8]? {
        let data: Data?
        do {
            data = try handle.read(upToCount: Self.pieceBytes)
        } catch {
            throw .file("cannot read the archive: \(error)")
        }
        return data.flatMap { $0.isEmpty ? nil : Array($0) }
    }
}
