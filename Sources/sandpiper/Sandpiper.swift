import Core
import Linux

/// The device program: its first argument says what to do.
@main struct Sandpiper {
  /// The version, as `--version` says it and each status carries it.
  static var version: StaticString { "0.1.0" }

  static func main() {
    Process.holdStandardDescriptors()
    let command = argument(1)
    for index in 2..<max(2, Arguments.count) where asksForHelp(index) {
      Console.print(Help.text)
      return
    }
    switch command {
    case "run": Exit.now(RunCommand.perform())
    case "check": Exit.now(CheckCommand.perform())
    case "plan": Exit.now(PlanCommand.perform())
    case "lines": Exit.now(LinesCommand.perform())
    case "doctor": Exit.now(DoctorCommand.perform())
    case "status": Exit.now(StatusCommand.perform())
    case "journal": Exit.now(JournalCommand.perform())
    case "set": Exit.now(SetCommand.perform())
    case "--version", "version": Console.print("sandpiper \(version)")
    case "--help", "-h", "help": Console.print(Help.text)
    case "":
      Console.complain(Help.text)
      Exit.now(.usage)
    default:
      Console.complain("sandpiper: there is no command \"\(command)\"; try sandpiper --help")
      Exit.now(.usage)
    }
  }

  private static func asksForHelp(_ index: Int) -> Bool {
    Arguments.withBytes(of: index) { bytes in bytes.equals("--help") || bytes.equals("-h") }
  }

  /// Argument `index` of the command line; empty when there is none.
  static func argument(_ index: Int) -> String {
    Arguments.withBytes(of: index) { bytes in
      var copy: [UInt8] = []
      for index in bytes.indices { copy.append(bytes[index]) }
      return String(decoding: copy, as: UTF8.self)
    }
  }
}
