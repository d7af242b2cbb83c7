import CLinux
import Core

/// The program itself.
public enum Process {
  /// Opens /dev/null in the place of standard input, output and error where they are closed: else the
  /// next descriptors would get their numbers, and lines meant for people would go there.
  public static func holdStandardDescriptors() { clinux_hold_standard_descriptors() }

  /// Begins the program anew with the same arguments; returns only to say why that failed.
  public static func executeAgain() -> SystemError {
    clinux_execute_again()
    return .last("exec")
  }

  /// Goes on as the program of that name, beside this one or else on the `PATH`, with the same arguments;
  /// returns only when there is none.
  public static func execute(_ name: StaticString) {
    // Sound: a StaticString ends with a NUL.
    unsafe withCString(of: name) { unsafe clinux_execute_other($0) }
  }
}

/// The environment.
public enum Environment {
  /// Appends the value of a variable; nothing when it is not set, or longer than there is room.
  public static func value(of name: StaticString, into out: inout OutputSpan<UInt8>) {
    // Sound: a StaticString ends with a NUL; the value lies in the process's environment.
    let value = unsafe withCString(of: name) { unsafe clinux_environment($0) }
    guard let value = unsafe value else { return }
    unsafe withBytes(ofCString: value) { bytes in
      if bytes.count <= out.freeCapacity { out.append(contentsOf: bytes) }
    }
  }
}

/// Chance from outside.
public enum Chance {
  /// A seed that is different at each start.
  public static func seed() -> UInt64 { clinux_random() }
}
