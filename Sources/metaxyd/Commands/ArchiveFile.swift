// The file of an archive, plain or compressed, read and written in pieces.

import Foundation
import Gzip
import Store

/// Writes an archive beside its place, and moves it there once it is whole.
final class ArchiveOutput {
    private let handle: FileHandle
    /// Where it will be; nil for standard output.
    private let path: String?
    private var encoder: GzipEncoder?

    /// Opens the file, which only its owner may read.
    ///
    /// - Parameters:
    ///   - file: its path; - for standard output.
    ///   - isCompressed: whether it is written as gzip.
    /// - Throws: `.file` where it exists already or cannot be made.
    init(_ file: String, isCompressed: Bool) throws(ArchiveError) {
        // Level 1: at higher ones compressing takes longer than everything else, for a few percent.
        encoder = isCompressed ? GzipEncoder(level: 1) : nil
        guard file != "-" else {
            (handle, path) = (.standardOutput, nil)
            return
        }
        guard !FileManager.default.fileExists(atPath: file) else { throw .file("the file \(file) exists already") }
        let descriptor = open(Self.part(of: file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file("cannot write \(file): \(String(cString: strerror(errno)))") }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        path = file
    }

    /// Writes the next bytes.
    func put(_ bytes: [UInt8]) throws(ArchiveError) {
        try write(encoder?.encode(bytes) ?? bytes)
    }

    /// Writes what is left, and puts the file in its place.
    func finish() throws(ArchiveError) {
        if let rest = encoder?.finish() { try write(rest) }
        guard let path else { return }
        guard fsync(handle.fileDescriptor) == 0, rename(Self.part(of: path), path) == 0 else {
            throw .file("cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Removes what was written.
    func abandon() {
        if let path { unlink(Self.part(of: path)) }
    }

    private static func part(of path: String) -> String { path + ".part" }

    private func write(_ bytes: [UInt8]) throws(ArchiveError) {
        guard !bytes.isEmpty else { return }
        do { try handle.write(contentsOf: Data(bytes)) } catch {
            throw .file("the archive cannot be written: \(error)")
        }
    }
}

/// Reads an archive, compressed or not: its first bytes say which.
final class ArchiveInput {
    private static let pieceBytes = 64 << 10
    /// RFC 1952 section 2.3.1; no JSON begins so.
    private static let magic: [UInt8] = [0x1F, 0x8B]
    /// Deflate expands 1,032 times at most: an archive is trusted to be as large as it is.
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
        guard let opened = FileHandle(forReadingAtPath: file) else { throw .file("the file \(file) cannot be read") }
        handle = opened
    }

    /// The next bytes; nil at the end.
    func next() throws(ArchiveError) -> [UInt8]? {
        while !hasEnded {
            do throws(GzipError) {
                if let piece = try decoder?.next(max: Self.pieceBytes) { return piece }
            } catch {
                throw .damaged(line: 0, "the compressed data cannot be read: \(error)")
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
            throw .file("the archive cannot be read: \(error)")
        }
        return data.flatMap { $0.isEmpty ? nil : Array($0) }
    }
}
