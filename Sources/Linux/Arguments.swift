import CLinux
import Core

/// The command line. (Embedded Swift has no `CommandLine`.)
public enum Arguments {
  /// How many there are, the program's name (argument 0) included.
  public static var count: Int { Int(clinux_argument_count()) }

  /// Lends the bytes of argument `index`; none outside the count.
  public static func withBytes<R: ~Copyable, E: Error>(
    of index: Int, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    // Sound: the kernel's arguments live as long as the program, and end with a NUL.
    try unsafe Linux.withBytes(ofCString: clinux_argument(Int32(truncatingIfNeeded: index)), body)
  }
}

/// Options as getopt_long(3) understands them: `-s`, `--simulate`, `--broker URL`,
/// `--broker=URL`. Operands may stand between; they are moved behind the options. There is one
/// parser in a process, as getopt_long keeps its place in globals.
public struct Options: ~Copyable {
  private let letters: StaticString

  /// Options of one letter as getopt(3) writes them, such as "hb:": a colon marks a value. Parsing
  /// starts behind argument `index`, the program's or the subcommand's name.
  public init(letters: StaticString = "", after index: Int) {
    self.letters = letters
    clinux_options_start(Int32(truncatingIfNeeded: index) + 1)
  }

  /// Knows `--name`, reported as `code`; at most 23 of them. Codes up to 127 should be the short
  /// option's letter.
  public mutating func add(_ name: StaticString, takesValue: Bool = false, code: Int32) {
    // Sound: a StaticString's bytes live as long as the program, and end with a NUL.
    let fits = unsafe withCString(of: name) {
      unsafe clinux_option_add($0, takesValue, code)
    }
    precondition(fits, "at most 23 options")
  }

  /// The next option's code; `?` for one that is not known or lacks its value, which getopt_long
  /// has then already said on standard error; nil behind the last.
  public mutating func next() -> Int32? {
    // Sound: as above; the arguments are the kernel's.
    let code = unsafe withCString(of: letters) { unsafe clinux_option_next($0) }
    return code < 0 ? nil : code
  }

  /// Lends the value of the option that `next` returned.
  public func withValue<R: ~Copyable, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R
  {
    // Sound: the value lies in the kernel's arguments.
    try unsafe withBytes(ofCString: clinux_option_value(), body)
  }

  /// The index of the first operand, once `next` has returned nil.
  public var firstOperand: Int { Int(clinux_option_index()) }
}
