import CLinux
import Core

/// Descriptors that a run leaves to the one that follows it: by executing itself anew, or through the
/// service manager's keeping (`ServiceManager.keep`).
public enum HandedDescriptors {
  /// How many were left to this run.
  public static var count: Int { Int(clinux_handed_count()) }

  /// Lends one of them, whose owner the caller becomes, and what it is called.
  public static func with<R>(_ index: Int, _ body: (Int32, Span<UInt8>) -> R) -> R {
    precondition(index >= 0 && index < count)
    let index = Int32(truncatingIfNeeded: index)
    // Sound: names stay as they are once they are there.
    return unsafe withBytes(ofCString: clinux_handed_name(index)) { name in
      body(clinux_handed_descriptor(index), name)
    }
  }

  /// Leaves a descriptor to the program that this process executes next; false when that cannot be.
  ///
  /// - Parameter name: 63 bytes at most, without ":" and "=".
  public static func handOn(_ descriptor: Int32, as name: Span<UInt8>) -> Bool {
    // Sound: the C string lives through the call, which copies it.
    unsafe withCString(name) { unsafe clinux_hand_on(descriptor, $0) == 0 } ?? false
  }
}
