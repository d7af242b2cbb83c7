import CLinux
import Core

/// Why a journal's file or device can't be used.
public enum FileStorageFault: Error, Sendable {
  /// There is none at the path.
  case missing
  /// Another program, or another agent, has it.
  case inUse
  /// It has another size than the one that is wanted.
  case otherSize(bytes: Int)
  /// It is neither a regular file nor a block device.
  case notAFile
  /// The system refuses.
  case system(SystemError)
}

/// The medium of a journal on Linux: a preallocated file, or a block device.
///
/// Written in place, and synced by a thread of its own, so that a slow SD card never holds up the
/// loop: `descriptor` is readable once a sync has come to its end. Only one program at a time may write
/// to a medium (flock); reading it leaves no trace.
@safe public struct FileStorage: Storage, ~Copyable {
  private let medium: Int32
  private let syncer: OpaquePointer?
  private var hasWritten = false
  /// Bytes of the file or device; 0 when there is none.
  public let byteCount: Int
  /// True when another program had the medium when it was opened for reading.
  public let isInUse: Bool
  /// True for a block device, which has the size that it has, and is never created.
  public let isDevice: Bool

  /// No medium: for a profile without a journal.
  public init() {
    medium = -1
    unsafe syncer = nil
    byteCount = 0
    isInUse = false
    isDevice = false
  }

  /// Opens the file or device at `path` for reading only; nothing on it changes, not even the time of
  /// its last access where the system allows that.
  public init(reading path: Span<UInt8>) throws(FileStorageFault) {
    let parts = try Self.open(path, writes: false)
    medium = parts.medium
    byteCount = parts.byteCount
    isInUse = clinux_medium_is_locked(parts.medium)
    isDevice = clinux_medium_is_device(parts.medium)
    unsafe syncer = nil
  }

  /// Opens the file of `byteCount` bytes at `path`; nil takes it as it is, and so is a device taken.
  public init(
    opening path: Span<UInt8>, byteCount wanted: Int? = nil
  ) throws(FileStorageFault) {
    let parts = try Self.open(path, writes: true)
    let isDevice = clinux_medium_is_device(parts.medium)
    let thread = unsafe try Self.secure(parts, isDevice ? nil : wanted)
    medium = parts.medium
    byteCount = parts.byteCount
    isInUse = false
    self.isDevice = isDevice
    unsafe syncer = thread
  }

  /// Creates a file of `byteCount` zeros at `path`, readable by its owner only. `prepare` writes what
  /// it is to begin with; the file gets its name once all that is durable, so that a power cut meanwhile
  /// leaves none that is half made. Never takes the place of a file that is there (EEXIST); `inUse` when
  /// another agent is creating the same.
  public init(
    creating path: Span<UInt8>, byteCount: Int,
    _ prepare: (inout FileStorage) throws(StorageFault) -> Void
  ) throws(FileStorageFault) {
    let created = try Self.create(path, byteCount, prepare)
    let thread = unsafe try Self.startSyncer(created)
    medium = created
    self.byteCount = byteCount
    isInUse = false
    isDevice = false
    unsafe syncer = thread
  }

  @unsafe private init(borrowing medium: Int32, _ byteCount: Int) {
    self.medium = medium
    self.byteCount = byteCount
    isInUse = false
    isDevice = false
    unsafe syncer = nil
  }

  deinit {
    // A sync that goes on needs the descriptor: the thread closes it then.
    if let syncer = unsafe syncer {
      unsafe clinux_syncer_destroy(syncer)
    } else if medium >= 0 {
      close(medium)
    }
  }

  /// Renames a journal that is broken for good to `path`.bad, or `.bad.1` and so on.
  public static func setAside(_ path: Span<UInt8>) throws(SystemError) {
    guard (unsafe withCString(path) { unsafe clinux_medium_set_aside($0) }) == 0 else {
      throw .last("rename")
    }
  }

  // MARK: Storage

  /// Readable once a sync has come to its end; -1 for a medium that is only read.
  public var descriptor: Int32 {
    guard let syncer = unsafe syncer else { return -1 }
    return unsafe clinux_syncer_descriptor(syncer)
  }

  /// See `Storage`.
  public mutating func read(
    at offset: Int, count: Int, into out: inout OutputSpan<UInt8>
  ) throws(StorageFault) {
    let medium = medium
    precondition(count >= 0 && count <= out.freeCapacity)
    let got = unsafe out.withUnsafeMutableBufferPointer { buffer, initialized in
      guard let start = buffer.baseAddress else { return 0 }
      // Sound: the room was checked; as many bytes count as the call has written.
      let got = unsafe clinux_medium_read(
        medium, start + initialized, count, Int64(wide: offset))
      if got > 0 { initialized += got }
      return got
    }
    guard got >= 0 else { throw .last }
    guard got == count else { throw .failed(code: EIO) }
  }

  /// See `Storage`.
  public mutating func write(_ bytes: Span<UInt8>, at offset: Int) throws(StorageFault) {
    guard offset + bytes.count <= byteCount else { throw .full }
    let medium = medium
    if !hasWritten {
      clinux_medium_begin_writing(medium)
      hasWritten = true
    }
    let result = unsafe bytes.withUnsafeBufferPointer {
      // Sound: the bytes live through the call, which only reads them.
      unsafe clinux_medium_write(medium, $0.baseAddress, $0.count, Int64(wide: offset))
    }
    guard result == 0 else { throw .last }
  }

  /// See `Storage`.
  public mutating func beginSync() throws(StorageFault) {
    guard let syncer = unsafe syncer else { return }
    unsafe clinux_syncer_begin(syncer)
  }

  /// See `Storage`.
  public mutating func finishSync() throws(StorageFault) -> Bool {
    guard let syncer = unsafe syncer else { return true }
    let result = unsafe clinux_syncer_result(syncer)
    guard result >= 0 else { return false }
    guard result == 0 else { throw StorageFault(code: result) }
    return true
  }

  /// True when the first and the last 8 KB are zeros: a device on which nothing was made yet.
  public mutating func isBlank() throws(StorageFault) -> Bool {
    var address = 0
    while address < byteCount {
      var bytes = InlineArray<512, UInt8>(repeating: 0)
      var span = bytes.mutableSpan
      let count = min(span.count, byteCount - address)
      var isZero = true
      let medium = medium
      let got = unsafe span.withUnsafeMutableBytes {
        // Sound: the call writes `count` bytes at most, which are there.
        unsafe clinux_medium_read(medium, $0.baseAddress, count, Int64(wide: address))
      }
      guard got == count else { throw got < 0 ? .last : .failed(code: EIO) }
      for index in 0..<count where bytes[index] != 0 { isZero = false }
      guard isZero else { return false }
      address += count
      if address == 8192 { address = max(address, byteCount - 8192) }
    }
    return true
  }

  // MARK: Opening

  private struct Parts: BitwiseCopyable {
    var medium: Int32
    var byteCount: Int
  }

  private static func open(
    _ path: Span<UInt8>, writes: Bool
  ) throws(FileStorageFault) -> Parts {
    let opened = unsafe withCString(path) { unsafe clinux_medium_open($0, writes) }
    guard let medium = opened else {
      throw .system(SystemError(code: ENAMETOOLONG, doing: "journal"))
    }
    guard medium >= 0 else {
      let error = SystemError.last("journal")
      throw error.code == ENOENT ? .missing : .system(error)
    }
    let bytes = clinux_medium_bytes(medium)
    guard bytes >= 0 else {
      close(medium)
      throw .notAFile
    }
    return Parts(medium: medium, byteCount: Int(narrow: bytes))
  }

  /// Takes the lock and starts the thread; the medium is closed when that fails.
  private static func secure(
    _ parts: Parts, _ wanted: Int?
  ) throws(FileStorageFault) -> OpaquePointer {
    if let wanted, parts.byteCount != wanted {
      close(parts.medium)
      throw .otherSize(bytes: parts.byteCount)
    }
    guard clinux_medium_lock(parts.medium) else {
      close(parts.medium)
      throw .inUse
    }
    return unsafe try startSyncer(parts.medium)
  }

  private static func create(
    _ path: Span<UInt8>, _ byteCount: Int,
    _ prepare: (inout FileStorage) throws(StorageFault) -> Void
  ) throws(FileStorageFault) -> Int32 {
    let created = unsafe withCString(path) {
      unsafe clinux_medium_create($0, Int64(wide: byteCount))
    }
    guard let medium = created else {
      throw .system(SystemError(code: ENAMETOOLONG, doing: "journal"))
    }
    guard medium >= 0 else {
      let error = SystemError.last("journal")
      throw error.code == EWOULDBLOCK ? .inUse : .system(error)
    }
    // The storage that is lent closes its descriptor; the lock is that of both.
    let copy = clinux_medium_duplicate(medium)
    var reason: Int32 = copy < 0 ? clinux_errno() : 0
    if copy >= 0 {
      // Sound: nothing but the storage uses the copy.
      var storage = unsafe FileStorage(borrowing: copy, byteCount)
      do throws(StorageFault) { try prepare(&storage) } catch { reason = error.code }
    }
    let isGood = reason == 0
    let published = unsafe withCString(path) { unsafe clinux_medium_publish(medium, $0, isGood) }
    guard published == 0 else {
      let error = isGood ? SystemError.last("journal") : SystemError(code: reason, doing: "journal")
      close(medium)
      throw .system(error)
    }
    return medium
  }

  private static func startSyncer(_ medium: Int32) throws(FileStorageFault) -> OpaquePointer {
    guard let syncer = unsafe clinux_syncer_create(medium) else {
      let error = SystemError.last("journal")
      close(medium)
      throw .system(error)
    }
    return unsafe syncer
  }
}

extension StorageFault {
  /// The fault of the last system call.
  fileprivate static var last: StorageFault { StorageFault(code: clinux_errno()) }

  /// The system's number for it.
  fileprivate var code: Int32 {
    switch self {
    case .full: ENOSPC
    case .readOnly: EROFS
    case .failed(let code): code
    }
  }

  /// What error number `code` means for a medium.
  fileprivate init(code: Int32) {
    switch code {
    case ENOSPC, EDQUOT: self = .full
    case EROFS, EPERM, EACCES, EBADF: self = .readOnly
    default: self = .failed(code: code)
    }
  }
}
