import CLinux
import Core

/// Descriptors that a run leaves to the one that follows it: by executing itself anew, or through the
/// service manager's keeping (`ServiceManager.keep`).
public enum HandedDescriptors {
  /// How many were left to this run.
  public static var count: Int { Int(clinux_handed_count()) }

  /// Lends one of them, and what it is called; -1 for one that somebody has taken.
  public static func with<R>(_ index: Int, _ body: (Int32, Span<UInt8>) -> R) -> R {
    precondition(index >= 0 && index < count)
    let index = Int32(truncatingIfNeeded: index)
    // Sound: names stay as they are once they are there.
    return unsafe withBytes(ofCString: clinux_handed_name(index)) { name in
      body(clinux_handed_descriptor(index), name)
    }
  }

  /// Makes the caller the owner of one of them.
  public static func take(_ index: Int) {
    precondition(index >= 0 && index < count)
    clinux_handed_take(Int32(truncatingIfNeeded: index))
  }

  /// True when one of them that nobody has taken is called so.
  public static func has(_ name: Span<UInt8>) -> Bool {
    for index in 0..<count where with(index, { $0 >= 0 && $1.equals(name) }) { return true }
    return false
  }

  /// Leaves a descriptor to the program that this process executes next; false when that cannot be.
  ///
  /// - Parameter name: 63 bytes at most, without ":" and "=".
  public static func handOn(_ descriptor: Int32, as name: Span<UInt8>) -> Bool {
    // Sound: the C string lives through the call, which copies it.
    unsafe withCString(name) { unsafe clinux_hand_on(descriptor, $0) == 0 } ?? false
  }

  /// Leaves those to it that nobody has taken.
  public static func handOnRest() {
    for index in 0..<count {
      with(index) { descriptor, name in
        if descriptor >= 0 { _ = handOn(descriptor, as: name) }
      }
    }
  }
}
