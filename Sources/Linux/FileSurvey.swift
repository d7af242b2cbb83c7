import CLinux
import Core

/// What a file or folder is, who may use it, and what it lies on.
public struct FileSurvey: BitwiseCopyable, Sendable {
  private let system: clinux_survey

  /// Looks at the file, or where a symbolic link leads to. Throws when it is not there, or not to be seen.
  public init(_ path: Span<UInt8>) throws(SystemError) {
    var found = clinux_survey()
    // Sound: the C string lives through the call, which fills the structure.
    let result = unsafe withCString(path) { unsafe clinux_survey($0, &found) }
    guard let result else { throw SystemError(code: ENAMETOOLONG, doing: "stat") }
    guard result == 0 else { throw .last("stat") }
    system = found
  }

  /// Its bytes.
  public var byteCount: Int { Int(truncatingIfNeeded: system.bytes) }
  /// Bytes of its file system that are free for others than root.
  public var freeBytes: Int64 { system.free_bytes }
  /// Its permissions (chmod(2)).
  public var mode: UInt32 { system.mode }
  /// The number of the group that owns it.
  public var group: UInt32 { system.group }
  /// True for a folder.
  public var isFolder: Bool { system.is_folder }
  /// True when its file system is mounted read-only.
  public var isReadOnly: Bool { system.is_read_only }
  /// True when whoever runs this program may write to it.
  public var isWritable: Bool { system.is_writable }
  /// The numbers of the block device that its file system lies on, as `/sys/dev/block` names them.
  public var device: (major: Int, minor: Int) {
    (Int(truncatingIfNeeded: system.device_major), Int(truncatingIfNeeded: system.device_minor))
  }
}
