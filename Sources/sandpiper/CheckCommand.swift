import Linux
import Profile

/// `sandpiper check PROFILE...`
enum CheckCommand {
  static func perform() -> Exit {
    var isUsed = Arguments.count >= 3
    for index in 2..<max(2, Arguments.count)
    where Sandpiper.argument(index).utf8.first == UInt8(ascii: "-") {
      isUsed = false
    }
    guard isUsed else {
      Console.complain("usage: sandpiper check PROFILE...")
      return .usage
    }
    var exit = Exit.fine
    for index in 2..<Arguments.count where !check(Sandpiper.argument(index)) { exit = .badProfile }
    return exit
  }

  private static func check(_ path: String) -> Bool {
    guard let configuration = ProfileFile(path: path).read() else { return false }
    // The larger of the two plans must fit.
    guard MemoryPlan(configuration, isSimulated: false).fits(path),
      MemoryPlan(configuration, isSimulated: true).fits(path)
    else { return false }
    let count = configuration.points.count
    Console.print("\(path): good (\(count) \(count == 1 ? "point" : "points"))")
    return true
  }
}
